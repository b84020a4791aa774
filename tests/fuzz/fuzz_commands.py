"""Test of random command lines.

Each example draws a command, some of its options, and values that are right, nearly right or nonsense. Examples are
files of another kind, swapped arrays, folders, numbers out of range, and broken JSON. It runs in this process. The exit
code must be one of those that ``umap-sk --help`` lists. An error must be one line, without a traceback. A command that
succeeds must have written its output, and one that fails must leave no new file. With ``--json`` stdout must be one
JSON object.
"""

import contextlib
import functools
import io
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import scipy.sparse
from fuzzing import pick

from umap_sk import knn_graph
from umap_sk.cli.main import BAD_INPUT, COMMANDS, DONE, FAILED, main, make_parser

ROWS = 30
FAST = ["--n-epochs", "1", "--n-jobs", "1"]
NONSENSE = ("", "-1", "0", "nan", "1e999", "none", "x", "{", '{"p": 3}', "[1]", "é", "--", "9" * 30, "2", "0.5", "10")
WORDS = ("auto", "exact", "hnswlib", "pca", "random", "euclidean", "cosine", "l1", "categorical", "precomputed", "p")
FILES = ("i.npy", "d.npy", "x.npy", "y.npy", "g.npz", "map.npy", "words.npy", "table.csv", "broken.npy", "m", ".")
HABITS = {  # values that make sense, so that some command lines do
    "knn_indices": "i.npy", "knn_dists": "d.npy", "graph": "g.npz", "features": "x.npy", "y": "y.npy", "manifold": "m",
    "labels": "table.csv", "metric": "euclidean", "n_neighbors": "5", "n_samples": "1000", "target_metric": "l1",
    "colour": "a", "images": "p.npy", "path": "m", "map": "map.npy", "model": "model.joblib", "n_jobs": "1",
}  # fmt: skip
LEFT_OUT = ("help", "traceback", "timed", "n_epochs")  # the last take seconds of a plan, or hours of a fit
INPUTS = (["knn_indices", "knn_dists"], ["graph"], ["features", "metric"], ["manifold"], [])


@functools.cache
def input_files():
    """Write the files that command lines name into a folder that is removed when the process ends."""
    keeper = tempfile.TemporaryDirectory()
    input_files.keeper = keeper
    folder, random = Path(keeper.name), np.random.default_rng(0)
    indices = (np.arange(ROWS)[:, None] + np.arange(5)) % ROWS
    dists = np.tile(np.arange(5.0), (ROWS, 1))
    arrays = {"i": indices, "d": dists, "x": random.normal(size=(ROWS, 3)), "y": np.arange(ROWS) % 3}
    arrays |= {"map": random.normal(size=(ROWS, 2)), "words": np.array(["a"] * ROWS), "p": np.zeros((ROWS, 2, 2))}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    scipy.sparse.save_npz(folder / "g.npz", knn_graph(indices, dists))
    (folder / "table.csv").write_text("a,b\n" + "1,x\n" * ROWS)
    (folder / "broken.npy").write_bytes((folder / "d.npy").read_bytes()[:200])
    with contextlib.chdir(folder):
        given = ["--knn-indices", "i.npy", "--knn-dists", "d.npy", "--n-neighbors", "5", "--quiet"]
        assert main(["learn", *given, "--out", "m", "--n-jobs", "1"]) == DONE
        assert main(["fit", *given, "--out", "e.npy", "--model", "model.joblib", *FAST]) == DONE
    return folder


@functools.cache
def actions_of(name):
    """Return the options and words that a command takes."""
    (subparsers,) = (action for action in make_parser(name)._actions if action.choices)
    return [action for action in subparsers.choices[name]._actions if action.dest not in LEFT_OUT]


def value_of(action, random):
    """Return a value for an option or a word, usually a valid one."""
    if action.dest == "out":
        return pick(random, ("out.npy", "out.html", "new", "out.npy", *FILES)) if random.random() < 0.5 else "out"
    if action.dest in HABITS and random.random() < 0.7:
        return HABITS[action.dest]
    return pick(random, pick(random, (NONSENSE, WORDS, FILES)))


def command_line(random):
    """Return the words after ``umap-sk``."""
    names = [name for name in COMMANDS if name != "compile"]  # which takes minutes
    if random.random() < 0.03:
        return [pick(random, (*NONSENSE, "--help", "--version", "fits", *names)) for _ in range(random.integers(3))]
    name = pick(random, names)
    inputs = pick(random, INPUTS)
    words = [name]
    for action in actions_of(name):
        wanted = action.required or action.dest in inputs or random.random() < 0.04
        if not wanted or random.random() < 0.03:
            continue
        if not action.option_strings:
            words.append(value_of(action, random))
        elif action.nargs == 0 or "--no-" in "".join(action.option_strings):
            words.append(pick(random, action.option_strings))
        else:
            words += [action.option_strings[-1], value_of(action, random)]
    return words + FAST * (name == "fit") + ["--no-timed"] * (name == "plan")


def run(words):
    """Run a command line in a copy of the folder, and return exit code, stdout, stderr and the new files."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as place:
        folder = shutil.copytree(input_files(), Path(place) / "here")
        before = set(folder.rglob("*"))
        with (
            contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
            warnings.catch_warnings(), mock.patch.dict(os.environ),
        ):  # fmt: skip
            try:
                code = main(words)
            except SystemExit as end:  # of --help and --version
                code = "help" if end.code in (0, None) else end.code
        return code, out.getvalue(), err.getvalue(), set(folder.rglob("*")) - before


def check(random):
    """Run one example, and return its outcome."""
    words = command_line(random)
    code, out, err, new = run(words)
    if code == "help":
        assert out, words
        return code
    assert code in (DONE, FAILED, BAD_INPUT), (words, code)
    assert "Traceback" not in err, (words, err)
    assert "--json" not in words or json.loads(out)["exit_code"] == code, words
    if code == DONE:
        assert not words or words[0] in ("plan", "info") or new or "out" in "".join(words), words
        return f"{words[0]}, done"
    assert err.splitlines()[-1].startswith("umap-sk") and "error: " in err.splitlines()[-1], (words, err)
    assert not new or "--checkpoint" in words, (words, new)  # whose folder is there before the input is read
    return f"{words[0]}, code {code}" if words and words[0] in COMMANDS else "no command"
