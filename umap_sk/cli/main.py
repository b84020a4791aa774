"""The command line, ``umap-sk`` or ``python -m umap_sk``, which calls a module for each command."""

import argparse
import errno
import importlib
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from umap_sk._version import __version__
from umap_sk.cli import signals
from umap_sk.cli.signals import STOPPED, StopRequest
from umap_sk.cli.terminal import Terminal, print_result, redirect_to_null
from umap_sk.runtime.waiting import set_passive_waiting

DONE, FAILED, BAD_INPUT = 0, 1, 2
EXIT_CODES = f"""\
exit codes:
  {DONE}    done
  {FAILED}    failed during the run: disk full, out of memory, the run belongs to another process
  {BAD_INPUT}    bad usage or bad input; one line on stderr says what is wrong and how to fix it
  {STOPPED}   stopped by a signal, with a checkpoint: the same command resumes from it
  130, 143, 129, 138
       stopped by SIGINT, SIGTERM, SIGHUP, SIGUSR1 without a checkpoint
"""
PATH_ERRORS = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


class Command(NamedTuple):
    """The help of a subcommand."""

    summary: str
    example: str


COMMANDS = {
    "fit": Command(
        "Make a map from neighbors, and write it as a .npy file.",
        "umap-sk fit --knn-indices i.npy --knn-dists d.npy --out map.npy --checkpoint runs --random-state 0",
    ),
    "learn": Command(
        "Build only the graph, in files: for graphs larger than the memory, or many maps of one graph.",
        "umap-sk learn --knn-indices i.npy --knn-dists d.npy --out graph && umap-sk fit --manifold graph --out map.npy",
    ),
    "transform": Command(
        "Place new rows in the map of a model from fit --model.",
        "umap-sk transform model.joblib --knn-indices i.npy --knn-dists d.npy --out places.npy",
    ),
    "plan": Command(
        "Estimate the memory and the time of a fit before it runs.",
        "umap-sk plan --n-samples 10_000_000 --n-neighbors 30",
    ),
    "show": Command(
        "Make an interactive page of a map: one HTML file that needs no network.",
        "umap-sk show map.npy --labels labels.csv --out map.html",
    ),
    "compile": Command(
        "Compile the kernels into numba's cache, for container images and clusters.", "umap-sk compile --all"
    ),
    "info": Command(
        "Describe a checkpoint, run, model, manifold or array. Without --trust, nothing is unpickled.",
        "umap-sk info runs",
    ),
}


class UsageError(Exception):
    """Raised when the options are invalid."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises errors in one line. They name the help of `command`, if there is one."""

    command: str | None = None

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; {self.command or self.prog} --help shows more")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command with `arguments`, or with those of the process, and return its exit code."""
    own_process = arguments is None
    if own_process:
        set_passive_waiting()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = arguments[0] if arguments and arguments[0] in COMMANDS else None
    terminal = Terminal(quiet="--quiet" in arguments)
    graceful = name != "plan" and any(argument.split("=")[0] == "--checkpoint" for argument in arguments)
    with signals.catch_signals(graceful=graceful, keep_handlers=own_process) as request, terminal.show_messages():
        answer: dict[str, Any] = {"command": name, "umap_sk": __version__, "status": "done", "exit_code": DONE}
        answer |= _execute(name, arguments, terminal, request)
    code = _print_answer(answer, name, arguments, terminal)
    terminal.flush()
    return code


def _print_answer(answer: dict[str, Any], name: str | None, arguments: list[str], terminal: Terminal) -> int:
    """Print an answer, and return the exit code."""
    if "error" in answer:
        terminal.write(f"{' '.join(filter(None, ('umap-sk', name)))}: error: {answer['error']}")
    try:
        if "--json" in arguments:
            from umap_sk.runtime.json_files import to_json  # this imports numpy, which --help does not need

            print_result(json.dumps(to_json({**answer, "warnings": terminal.warnings})))
        elif name and "error" not in answer and "--quiet" not in arguments:
            print_result(_import_command(name).format_answer(answer))
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # with a broken pipe, nobody reads stderr either
            terminal.write(f"umap-sk {name}: error: the answer cannot be written to stdout: {error.strerror}")
        if sys.stdout is not None:  # buffered text must not fail again at the end
            redirect_to_null(sys.stdout)
        return answer["exit_code"] or FAILED
    return answer["exit_code"]


def _execute(name: str | None, arguments: list[str], terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Run a command, and return its answer or a description of the error."""
    try:
        options = make_parser(name).parse_args(arguments)
        if name is None:
            raise UsageError("the command must come first; umap-sk --help shows more")
        return _import_command(name).execute(options, terminal, request)
    except KeyboardInterrupt:
        number = request.received or signal.SIGINT
        by = signal.Signals(number).name
        return {**_make_failure(f"stopped by {by}; no checkpoint was written", 128 + number, "stopped"), "signal": by}
    except UsageError as error:
        return _make_failure(str(error), BAD_INPUT)
    except Exception as error:
        # ImportError comes from optional libraries.
        expected = ValueError | TypeError | OSError | MemoryError | ImportError
        if not isinstance(error, expected) or "--traceback" in arguments:
            terminal.write(traceback.format_exc().rstrip())
        bad_input = isinstance(error, (ValueError, TypeError, ImportError, *PATH_ERRORS))
        bad_input |= getattr(error, "errno", None) == errno.EROFS  # a read-only file system has no class of its own
        return _make_failure(_format_error(error), BAD_INPUT if bad_input else FAILED)


def make_parser(name: str | None) -> argparse.ArgumentParser:
    """Return the parser with the options of one command. Others are not imported, which may take a second."""
    parser = Parser(
        "umap-sk",
        description="UMAP from precomputed neighbors. umap-sk COMMAND --help shows the options of each command.",
        **_style_help(COMMANDS["fit"]),
    )
    parser.command = name and f"umap-sk {name}"  # unknown options of a command are errors of this parser
    parser.add_argument("--version", action="version", version=f"umap-sk {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for each, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            each, help=command.summary, description=command.summary, **_style_help(command)
        )
        if each == name:
            _import_command(each).add_options(subparser)
            subparser.add_argument("--json", action="store_true", help="print one JSON object to stdout")
            subparser.add_argument("--quiet", action="store_true", help="print only warnings and errors")
            subparser.add_argument(
                "--traceback", action="store_true", help="show where an error was raised, for bug reports"
            )
    return parser


def _style_help(command: Command) -> dict[str, Any]:
    """Return the arguments that all parsers share, with the example of a command."""
    return {
        "epilog": f"example:\n  {command.example}\n\n{EXIT_CODES}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _import_command(name: str) -> ModuleType:
    """Import the module of a command, with the functions `add_options`, `execute` and `format_answer`."""
    return importlib.import_module(f"umap_sk.cli.{name}")


def _make_failure(text: str, code: int, status: str = "error") -> dict[str, object]:
    return {"status": status, "exit_code": code, "error": text}


def _format_error(error: Exception) -> str:
    """Format an error in one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{str(error.filename)!r}: {error.strerror}"
        text += "; free some space and run the same command again" if error.errno == errno.ENOSPC else ""
    elif isinstance(error, MemoryError):
        text = f"out of memory ({text}); umap-sk plan shows what a fit needs"
    return " ".join((text or type(error).__name__).split())
