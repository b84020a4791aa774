"""Helpers to run commands of the command line on the ring of conftest.py."""

import json
import signal

from umap_sk.cli import fit as command_fit
from umap_sk.cli.main import main

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}
OPTIONS = ["--n-neighbors", "5", "--n-epochs", "20", "--random-state", "0"]
FIT = ["fit", "--knn-indices", "i.npy", "--knn-dists", "d.npy", "--out", "e.npy", *OPTIONS]


def answer_of(arguments, capsys):
    """Return the exit code and the answer of a command with --json."""
    code = main([*arguments, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return code, json.loads(out)


def error_of(arguments, capsys, code=2):
    """Return the only line that a failing command writes."""
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1, err
    return err


def send_after(monkeypatch, last, *numbers):
    """Send signals to this process after the given epoch of a command."""
    progress = command_fit.Terminal.show_progress

    def spied(self, costs, done):
        show = progress(self, costs, done)

        def after(epoch):
            show(epoch)
            if epoch == last:
                for number in numbers:
                    signal.raise_signal(number)

        return after

    monkeypatch.setattr(command_fit.Terminal, "show_progress", spied)
