"""The command line: ``umap-sk``, or ``python -m umap_sk``. A thin skin: each command is in a module of its own."""

import argparse
import errno
import importlib
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from umap_sk import __version__
from umap_sk.cli import signals
from umap_sk.cli.signals import STOPPED, StopRequest
from umap_sk.cli.terminal import Terminal, show, silence
from umap_sk.runtime.waiting import set_passive_waiting

DONE, FAILED, BAD_INPUT = 0, 1, 2
CODES = f"""\
exit codes:
  {DONE}    done
  {FAILED}    failed on the way: disk full, out of memory, the run belongs to another process
  {BAD_INPUT}    bad usage or bad input; one line on stderr says what and how to cure it
  {STOPPED}   stopped by a signal, with a checkpoint: the same command goes on from there
  130, 143, 129, 138
       stopped by SIGINT, SIGTERM, SIGHUP, SIGUSR1 without one
"""
WRONG_PLACE = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


class Command(NamedTuple):
    """A subcommand.

    Its module has ``add_options(parser)``, ``run(options, terminal, request)``, which returns what ``--json`` prints,
    and ``text(answer)`` for people; it is imported only if the command is named.
    """

    module: str
    summary: str
    example: str


COMMANDS = {
    "fit": Command(
        "fit",
        "Make a map from neighbors, and write it as a .npy file.",
        "umap-sk fit --knn-indices i.npy --knn-dists d.npy --out map.npy --checkpoint runs --random-state 0",
    ),
    "learn": Command(
        "learn",
        "Build the graph alone, in files: for graphs larger than the memory, and for many maps of one graph.",
        "umap-sk learn --knn-indices i.npy --knn-dists d.npy --out graph && umap-sk fit --manifold graph --out map.npy",
    ),
    "transform": Command(
        "transform",
        "Place new rows in a map that fit --model has kept.",
        "umap-sk transform model.joblib --knn-indices i.npy --knn-dists d.npy --out places.npy",
    ),
    "plan": Command(
        "plan",
        "Tell the memory and the time of a fit before it is begun.",
        "umap-sk plan --n-samples 10_000_000 --n-neighbors 30",
    ),
    "show": Command(
        "show",
        "Make an interactive map of a map: one HTML file that needs no network.",
        "umap-sk show map.npy --labels labels.csv --out map.html",
    ),
    "compile": Command(
        "compile",
        "Compile the kernels into numba's cache, for container images and clusters.",
        "umap-sk compile --all",
    ),
    "info": Command(
        "info",
        "Tell what a checkpoint, run, model, manifold or array is. Nothing is unpickled.",
        "umap-sk info runs",
    ),
}


class UsageError(Exception):
    """Comes up when the options make no sense."""


class Parser(argparse.ArgumentParser):
    """A parser that raises, in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; {self.prog} --help tells more")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, of the process's own arguments if none are given; its exit code."""
    own_process = arguments is None
    if own_process:
        set_passive_waiting()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = arguments[0] if arguments and arguments[0] in COMMANDS else None
    terminal = Terminal(quiet="--quiet" in arguments)
    gently = any(argument.split("=")[0] == "--checkpoint" for argument in arguments)
    with signals.caught(gently=gently, to_the_end=own_process) as request, terminal.listening():
        answer: dict[str, Any] = {"command": name, "umap_sk": __version__, "status": "done", "exit_code": DONE}
        answer |= _outcome(name, arguments, terminal, request)
    code = _tell(answer, name, arguments, terminal)
    terminal.end()
    return code


def _tell(answer: dict[str, Any], name: str | None, arguments: list[str], terminal: Terminal) -> int:
    """Print an answer; the exit code."""
    if "error" in answer:
        terminal.write(f"{' '.join(filter(None, ('umap-sk', name)))}: error: {answer['error']}")
    try:
        if "--json" in arguments:
            from umap_sk.runtime.json_files import to_json  # and numpy, which help does without

            show(json.dumps(to_json({**answer, "warnings": terminal.warnings})))
        elif name and "error" not in answer and "--quiet" not in arguments:
            show(_module(name).text(answer))
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # where nobody reads any more, there is nobody to tell
            terminal.write(f"umap-sk {name}: error: the answer cannot be written to stdout: {error.strerror}")
        if sys.stdout is not None:  # what is left in it must not fail once more at the end
            silence(sys.stdout)
        return answer["exit_code"] or FAILED
    return answer["exit_code"]


def _outcome(name: str | None, arguments: list[str], terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Run a command; its answer, or what went wrong."""
    try:
        options = parser_for(name).parse_args(arguments)
        if name is None:
            raise UsageError("the command must come first; umap-sk --help tells more")
        return _module(name).run(options, terminal, request)
    except KeyboardInterrupt:
        number = request.received or signal.SIGINT
        by = signal.Signals(number).name
        return {**_failure(f"stopped by {by}; no checkpoint was written", 128 + number, "stopped"), "signal": by}
    except UsageError as error:
        return _failure(str(error), BAD_INPUT)
    except Exception as error:
        expected = ValueError | TypeError | OSError | MemoryError | ImportError  # the last of an optional library
        if not isinstance(error, expected) or "--traceback" in arguments:
            terminal.write(traceback.format_exc().rstrip())
        bad_input = isinstance(error, (ValueError, TypeError, ImportError, *WRONG_PLACE))
        return _failure(_line(error), BAD_INPUT if bad_input else FAILED)


def parser_for(name: str | None) -> argparse.ArgumentParser:
    """The parser, with the options of one command, whose modules may take a second to load."""
    look: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    parser = Parser(
        "umap-sk",
        description="UMAP from neighbors that are known already. umap-sk COMMAND --help tells the options of each.",
        epilog=f"example:\n  {COMMANDS['fit'].example}\n\n{CODES}",
        **look,
    )
    parser.add_argument("--version", action="version", version=f"umap-sk {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for each, command in COMMANDS.items():
        epilog = f"example:\n  {command.example}\n\n{CODES}"
        subparser = subparsers.add_parser(
            each, help=command.summary, description=command.summary, epilog=epilog, **look
        )
        if each == name:
            _module(each).add_options(subparser)
            subparser.add_argument("--json", action="store_true", help="print one JSON object to stdout")
            subparser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
            subparser.add_argument("--traceback", action="store_true", help="say where an error arose, for bug reports")
    return parser


def _module(name: str) -> Any:
    return importlib.import_module(f"umap_sk.cli.{COMMANDS[name].module}")


def _failure(text: str, code: int, status: str = "error") -> dict[str, Any]:
    return {"status": status, "exit_code": code, "error": text}


def _line(error: Exception) -> str:
    """An error in one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{str(error.filename)!r}: {error.strerror}"
        text += "; make room and give the same command again" if error.errno == errno.ENOSPC else ""
    elif isinstance(error, MemoryError):
        text = f"out of memory ({text}); umap-sk plan tells what a fit takes"
    return " ".join((text or type(error).__name__).split())
