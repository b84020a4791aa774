"""Tests of the command line's options: their values, their help, and the errors for wrong ones."""

import errno
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from commands import FIT, answer_of, error_of

import umap_sk
from umap_sk import Checkpoint, PrecomputedUMAP
from umap_sk.cli import fit as command_fit
from umap_sk.cli.main import COMMANDS, main, make_parser
from umap_sk.cli.options import read_signature

ROOT = Path(__file__).parents[2]

VALUES = {
    "n_neighbors": ("7", 7),
    "n_components": ("3", 3),
    "metric": ("cosine", "cosine"),
    "metric_params": ('{"p": 3}', {"p": 3}),
    "min_dist": (".2", 0.2),
    "spread": ("2", 2.0),
    "a": ("1.5", 1.5),
    "b": (".8", 0.8),
    "local_connectivity": ("1.5", 1.5),
    "set_op_mix_ratio": (".5", 0.5),
    "disconnection_distance": ("inf", float("inf")),
    "symmetrize": (None, False),
    "target_metric": ("l1", "l1"),
    "target_weight": (".9", 0.9),
    "target_n_neighbors": ("20", 20),
    "init": ("random", "random"),
    "rescale_init": (None, False),
    "n_epochs": ("30", 30),
    "learning_rate": (".5", 0.5),
    "negative_sample_rate": ("3", 3.0),
    "repulsion_strength": ("2", 2.0),
    "multilevel": (None, False),
    "random_state": ("42", 42),
    "n_jobs": ("-1", -1),
    "verbose": (None, True),
    "output_metric": ("torus", "torus"),
    "output_metric_params": ('{"period": 9.0}', {"period": 9.0}),
    "searcher": ("exact", "exact"),
    "dens_lambda": ("2", 2.0),
    "dens_frac": (".5", 0.5),
    "dens_var_shift": (".2", 0.2),
    "checkpoint": ("runs", Checkpoint("runs")),
}
"""The text that is typed for each parameter, and the resulting value in the estimator."""


@pytest.mark.parametrize("name", inspect.signature(PrecomputedUMAP).parameters)
def test_every_parameter_is_an_option(name):
    """Each option reaches the estimator with the right type, and all other parameters keep their defaults."""
    typed, expected = VALUES[name]
    option = f"--{'no-' if expected is False else ''}{name.replace('_', '-')}"
    given = [option] if typed is None else [option, typed]
    model = command_fit.make_estimator(make_parser("fit").parse_args(["fit", "--out", "e.npy", *given]))
    value = getattr(model, name)
    assert value == expected and type(value) is type(expected)
    others = PrecomputedUMAP().get_params(deep=False)
    assert {k: v for k, v in model.get_params(deep=False).items() if k != name} == {
        k: v for k, v in others.items() if k != name
    }


def test_checkpoint_options():
    """Options set the other fields of a checkpoint, and the text "none" means None."""
    given = ["--checkpoint-every-epochs", "5", "--checkpoint-every-seconds", "none", "--checkpoint-keep", "3"]
    arguments = ["fit", "--out", "e.npy", "--checkpoint", "runs", *given, "--checkpoint-on-mismatch", "raise"]
    model = command_fit.make_estimator(make_parser("fit").parse_args(arguments))
    assert model.checkpoint == Checkpoint("runs", 5, None, 3, "raise")


def test_texts_of_the_options():
    """The help of an option is the first paragraph of the parameter's description, on one line and without markup."""

    def function(one: int, two: int = 2, three: str = "x"):
        """Do it.

        Parameters
        ----------
        one, two : int
            Both, as :func:`umap_sk.plan` and
            ``x : y`` say.

            Not this.
        three : {"x", "y"}, default="x"
            The third.
        """

    shared = "Both, as umap_sk.plan and x : y say."
    expected = [shared, f"{shared} (default: 2)", "The third. (default: x)"]
    assert [parameter.help for parameter in read_signature(function)] == expected
    described = [
        *read_signature(umap_sk.plan),
        *command_fit.list_parameters(),
        *command_fit.list_checkpoint_settings(),
    ]
    assert all(parameter.help.split("(default")[0] for parameter in described)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name, capsys):
    """The help of each command contains an example that the parser accepts, and the exit codes."""
    with pytest.raises(SystemExit) as exit:
        main([name, "--help"])
    text = capsys.readouterr().out
    assert exit.value.code == 0 and COMMANDS[name].example in text and "75   stopped by a signal" in text
    make_parser(name).parse_args(COMMANDS[name].example.split(" && ")[0].split()[1:])


def test_help_needs_no_numba():
    """Help and version load no large library, and `python -m umap_sk` runs the same command."""
    for option, first in (("--help", "usage: umap-sk"), ("--version", f"umap-sk {umap_sk.__version__}")):
        command = [sys.executable, "-X", "importtime", "-m", "umap_sk", option]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(first)
        assert not re.search(r"\| +(numba|sklearn|scipy|numpy)$", done.stderr, re.MULTILINE)


def contents_of(folder):
    """Return the bytes of all files in a folder by path, with None for folders."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "the following arguments are required: COMMAND; umap-sk --help"),
        (["fot"], "invalid choice: 'fot'"),
        (["fit", "--out", "e.npy"], "Nothing to work on: give X"),
        (["fit", "--knn-indices", "i.npy"], "required: --out; umap-sk fit --help shows more"),
        ([*FIT, "--knn-ind", "i.npy"], "unrecognized arguments: --knn-ind"),
        ([*FIT, "--n-neighbors", "1.5"], "argument --n-neighbors: '1.5', but a whole number is needed"),
        ([*FIT, "--min-dist", "near"], "argument --min-dist: 'near', but a number is needed"),
        ([*FIT, "--metric-params", "[1]"], "'[1]', but a JSON object such as"),
        ([*FIT, "--n-neighbors", "1"], "The 'n_neighbors' parameter of PrecomputedUMAP must be an int in the range"),
        ([*FIT, "--min-dist", "3"], "Lower one or raise the other."),
        ([*FIT, "--knn-indices", "no.npy"], "--knn-indices: 'no.npy' cannot be read (No such file or directory)"),
        ([*FIT, "--knn-indices", "sub"], "--knn-indices: 'sub' cannot be read (Is a directory)"),
        ([*FIT, "--knn-indices", "text"], "--knn-indices: 'text' is no complete .npy file of numbers"),
        ([*FIT, "--knn-indices", "cut.npy"], "--knn-indices: 'cut.npy' is no complete .npy file of numbers"),
        (
            [*FIT, "--knn-indices", "objects.npy"],
            "--knn-indices: 'objects.npy' contains Python objects. Save numbers, or labels as plain text",
        ),
        ([*FIT, "--knn-indices", "many.npz"], "'many.npz' is an .npz archive, but a .npy file as numpy.save"),
        ([*FIT, "--knn-indices", "d.npy", "--knn-dists", "i.npy"], "the two look swapped"),
        ([*FIT, "--knn-dists", "few.npy"], "knn_indices has shape (60, 8), but knn_dists has (60, 3)."),
        ([*FIT, "--init", "x5.npy"], "init has shape (60, 5), but 60 rows and n_components=2 axes are needed"),
        (
            [*FIT, "--init", "spectrum"],
            "--init: 'spectrum' cannot be read (No such file or directory); a .npy file as numpy.save writes it, or "
            "one of auto, pivot_mds, spectral, pca, random, is needed",
        ),
        ([*FIT, "--graph", "many.npz"], "--graph was given beside --knn-indices, --knn-dists"),
        (["fit", "--graph", "many.npz", "--out", "e.npy"], "--graph: 'many.npz' contains no sparse graph"),
        (["fit", "--graph", "text", "--out", "e.npy"], "--graph: 'text' contains no sparse graph"),
        (["fit", "--manifold", "no", "--out", "e.npy"], "'no' contains no manifold: manifold.json is missing"),
        ([*FIT, "--out", "no/e.npy"], "/no' does not exist; create it first."),
        ([*FIT, "--out", "."], "--out: '.' is a directory; pass the name of a file in it."),
        ([*FIT, "--out", os.devnull], f"--out: {os.devnull!r} is a device or a pipe; pass the name of a file."),
        (
            [*FIT, "--out", "i.npy"],
            "--out: 'i.npy' is used for something else, or lies in it; choose another name.",
        ),
        ([*FIT, "--model", "e.npy"], "--out: 'e.npy' is used for something else, or lies in it"),
        ([*FIT, "--model", "link"], "--model: 'link' is used for something else, or lies in it"),
        (["fit", "--manifold", "m", "--out", "m/weights.npy"], "--out: 'm/weights.npy' is used for something else"),
        (["fit", "--knn-indices", ".", "--knn-dists", "d.npy", "--out", "e.npy"], "--knn-indices: '.' cannot be read"),
        (["--", "fit"], "; umap-sk --help shows more"),
        ([*FIT, "--checkpoint-keep", "3"], "--checkpoint-keep needs --checkpoint DIR."),
        ([*FIT, "--checkpoint", "text"], "checkpoints cannot be kept in text, so nothing was computed"),
        ([*FIT, "--checkpoint", "runs", "--checkpoint-keep", "0"], "keep=0, but a whole number of at least 1"),
        (["plan"], "pass --n-samples, --knn-indices or --manifold."),
        (["plan", "--n-samples", "9", "--knn-indices", "i.npy"], "--n-samples was given with files"),
        (["plan", "--listed", "9", "--knn-indices", "i.npy"], "--listed was given with a file that determines it."),
        (["plan", "--n-samples", "1"], "n_samples=1, but a whole number of at least 2 is needed."),
        (["plan", "--knn-indices", "i.npy", "--n-components", "0"], "The 'n_components' parameter"),
        (["transform", "no", "--knn-indices", "i.npy", "--out", "p"], "'no': No such file or directory"),
        (["transform", "text", "--knn-indices", "i.npy", "--out", "p"], "'text' cannot be loaded"),
        (
            ["transform", "other.joblib", "--knn-indices", "i.npy", "--out", "p"],
            "contains a list, but a PrecomputedUMAP",
        ),
        (["transform", "new.joblib", "--knn-indices", "i.npy", "--out", "p"], "is not fitted yet"),
        (["learn", "--knn-indices", "i.npy", "--knn-dists", "d.npy", "--out", "."], "nothing is overwritten"),
        (["info", "no"], "'no' does not exist."),
    ],
)
def test_bad_input(arguments, message, folder, ring, capsys):
    """Bad input leads to exit code 2 and one line that names the problem. No file is written or changed."""
    Path("text").write_text("no array at all")
    Path("cut.npy").write_bytes(Path("i.npy").read_bytes()[:-8])
    np.save("objects.npy", np.array([{}, []], object))
    np.savez("many.npz", a=ring[0], b=ring[1])
    np.save("few.npy", ring[1][:, :3])
    np.save("x5.npy", np.zeros((60, 5)))
    joblib.dump([1], "other.joblib")
    joblib.dump(PrecomputedUMAP(), "new.joblib")
    Path("link").symlink_to("i.npy")
    Path("sub").mkdir()
    Path("m").mkdir()
    Path("m", "manifold.json").touch()
    before = contents_of(folder)
    line = error_of([*arguments, "--quiet"] if arguments[:1] and arguments[0] in COMMANDS else arguments, capsys)
    assert message in line and line.startswith("umap-sk") and ": error: " in line
    assert contents_of(folder) == before


def test_bad_input_as_json(folder, capsys):
    """With --json an error is answered in JSON, also if the options themselves are wrong."""
    code, answer = answer_of([*FIT, "--knn-indices", "no.npy"], capsys)
    assert (code, answer["exit_code"], answer["status"], answer["command"]) == (2, 2, "error", "fit")
    assert answer["error"].startswith("--knn-indices: 'no.npy' cannot be read")
    code, answer = answer_of(["fit", "--nonsense"], capsys)
    assert code == 2 and "--out" in answer["error"]


def test_read_only_place(folder, capsys, monkeypatch):
    """A directory in a read-only place is bad input. The error names it, not the hidden directory beside it."""

    def mkdir(path, **options):
        if not options:
            raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    line = error_of(["learn", *FIT[1:5], "--n-neighbors", "5", "--out", "new"], capsys)
    place = repr(os.path.realpath("new"))
    assert line == f"umap-sk learn: error: {place}: Read-only file system. Choose a writable location\n"


def test_traceback_for_bug_reports(folder, capsys):
    """The option --traceback adds the traceback to an error."""
    assert main([*FIT, "--knn-indices", "no.npy", "--traceback"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_unforeseen_error(folder, capsys, monkeypatch):
    """An unforeseen error has exit code 1 and a traceback."""
    monkeypatch.setattr(command_fit, "read_inputs", lambda options: {}["lost"])
    assert main(FIT) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err and err.splitlines()[-1] == "umap-sk fit: error: 'lost'"


def test_warnings_are_lines(folder, capsys):
    """A warning is one line on stderr, also with --quiet, and is part of the answer."""
    code, answer = answer_of([*FIT, "--n-neighbors", "12", "--quiet"], capsys)
    assert code == 0 and [warning["category"] for warning in answer["warnings"]] == ["FewerNeighborsWarning"]
    assert main([*FIT, "--n-neighbors", "12", "--quiet"]) == 0
    err = capsys.readouterr().err
    assert err == f"warning: {answer['warnings'][0]['message']} [FewerNeighborsWarning]\n"
