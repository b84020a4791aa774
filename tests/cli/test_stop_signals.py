"""Tests of signals that stop a command: it finishes and stores the epoch, the exit code says so, and it can resume."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import FIT, SETTINGS, answer_of, error_of, send_after

from umap_sk import PrecomputedUMAP
from umap_sk.cli import fit as command_fit
from umap_sk.cli import signals
from umap_sk.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def heard():
    """Set the default handlers of signals, also where the tests run in the background or under nohup."""
    usual = {name: signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL for name in signals.SIGNAL_NAMES}
    before = {name: signal.signal(getattr(signal, name), handler) for name, handler in usual.items()}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


def test_stopped_and_resumed(folder, whole, capsys, monkeypatch):
    """After a signal, the command finishes and stores the epoch. The same command then resumes to the same bits."""
    kept = [*FIT, "--checkpoint", "runs"]
    with monkeypatch.context() as patch:
        send_after(patch, 7, signal.SIGTERM)
        code, answer = answer_of(kept, capsys)
    assert (code, answer["exit_code"], answer["status"], answer["signal"]) == (75, 75, "stopped", "SIGTERM")
    assert (answer["epoch"], answer["n_epochs"]) == (7, 20) and not Path("e.npy").exists()
    assert [Path(answer["run"])] == list(Path("runs").iterdir())
    _, found = answer_of(["info", answer["run"]], capsys)
    assert found["epoch"] == 7 and found["finished"] is False and found["computed_by"] is None
    code, answer = answer_of(kept, capsys)
    assert code == 0 and [phase["name"] for phase in answer["phases"]] == ["resume", "layout"]
    np.testing.assert_array_equal(np.load("e.npy"), whole)


def test_a_plan_with_checkpoints_stops_at_once(folder, monkeypatch):
    """A plan has no epoch to finish, so that the first signal interrupts it, with --checkpoint as well."""

    def interrupt(*arguments, **settings):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        pytest.fail("The signal was only recorded.")

    monkeypatch.setattr("umap_sk.planning.plan.estimate_phase_seconds", interrupt)
    assert main(["plan", "--n-samples", "1000", "--checkpoint", "runs"]) == 128 + signal.SIGINT


@pytest.mark.parametrize("name", signals.SIGNAL_NAMES)
def test_stopped_without_checkpoint(name, folder, capsys, monkeypatch):
    """Without a checkpoint the exit code is that of the signal itself, and no map is written."""
    send_after(monkeypatch, 7, getattr(signal, name))
    err = error_of([*FIT, "--quiet"], capsys, code=128 + getattr(signal, name))
    assert err == f"umap-sk fit: error: stopped by {name}; no checkpoint was written\n"
    send_after(monkeypatch, 7, getattr(signal, name))
    code, answer = answer_of(FIT, capsys)
    assert (answer["status"], answer["signal"], answer["exit_code"]) == ("stopped", name, code)
    assert not Path("e.npy").exists()


def test_stopped_within_an_import(tmp_path):
    """Libraries call ``exec`` when they are imported. A signal that arrives there does not change the exit code."""
    module = tmp_path / "stopped.py"
    module.write_text(
        "import sys\nfrom umap_sk.cli import main\n"
        "main._import_command = lambda name: exec('import signal; signal.raise_signal(signal.SIGTERM)')\n"
        "sys.exit(main.main())\n"
    )
    command = [sys.executable, "-m", "stopped", "fit"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 143, done.stderr
    assert done.stderr == "umap-sk fit: error: stopped by SIGTERM; no checkpoint was written\n"


def test_stopped_with_a_full_disk(folder, capsys, monkeypatch):
    """If no checkpoint can be written, the exit code must not say that the run can resume."""

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("umap_sk.checkpoint.store.write_state", full)
    send_after(monkeypatch, 7, signal.SIGTERM)
    code, answer = answer_of([*FIT, "--checkpoint", "runs"], capsys)
    assert code == answer["exit_code"] == 143 and answer["status"] == "stopped"
    assert answer["error"] == "stopped by SIGTERM at epoch 7 of 20; no checkpoint could be written"
    assert [warning["category"] for warning in answer["warnings"]] == ["CheckpointWarning"]


def test_second_signal_stops_at_once(folder, capsys, monkeypatch):
    """A second signal stops the command at once, and the last whole epoch is stored all the same."""
    monkeypatch.setattr(signals, "SAME_REQUEST_SECONDS", 0)
    send_after(monkeypatch, 7, signal.SIGINT, signal.SIGINT)
    code, answer = answer_of([*FIT, "--checkpoint", "runs"], capsys)
    assert code == 75 and answer["epoch"] == 7 and answer["signal"] == "SIGINT"


@pytest.mark.parametrize("patience, code", [(0, 130), (60, 75)])
def test_two_signals_before_the_layout(patience, code, folder, capsys, monkeypatch):
    """Before the layout, two requests stop at once, without a checkpoint.

    A request that comes twice waits for the first epoch.
    """
    monkeypatch.setattr(signals, "SAME_REQUEST_SECONDS", patience)
    read_inputs = command_fit.read_inputs

    def read(options):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return read_inputs(options)

    monkeypatch.setattr(command_fit, "read_inputs", read)
    given, answer = answer_of([*FIT, "--checkpoint", "runs"], capsys)
    assert given == code and answer["status"] == "stopped" and answer.get("epoch", 0) == (code == 75)


def test_stopped_at_once_in_the_last_epoch(folder, capsys, monkeypatch):
    """A command that stops at once in the last epoch writes no map.

    The same command then writes it from the stored run.
    """
    monkeypatch.setattr(signals, "SAME_REQUEST_SECONDS", 0)
    with monkeypatch.context() as patch:
        send_after(patch, 20, signal.SIGINT, signal.SIGINT)
        code, answer = answer_of([*FIT, "--checkpoint", "runs"], capsys)
    assert code == 130 and answer["status"] == "stopped" and not Path("e.npy").exists()
    assert answer_of([*FIT, "--checkpoint", "runs"], capsys)[0] == 0 and Path("e.npy").exists()


def test_signal_in_the_last_epoch(folder, whole, capsys, monkeypatch):
    """A command that gets a signal in the last epoch finishes and writes the map."""
    send_after(monkeypatch, 20, signal.SIGTERM)
    code, answer = answer_of([*FIT, "--checkpoint", "runs"], capsys)
    assert code == 0 and answer["status"] == "done"
    np.testing.assert_array_equal(np.load("e.npy"), whole)


def test_handlers_are_the_callers_again(folder, monkeypatch):
    """The caller's handlers are restored after a command. Signals that the caller ignores are ignored all the time."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        handlers = {name: signal.getsignal(getattr(signal, name)) for name in signals.SIGNAL_NAMES}
        with signals.catch_signals(graceful=True):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != handlers["SIGTERM"]
        assert main([*FIT, "--quiet"]) == 0
        assert {name: signal.getsignal(getattr(signal, name)) for name in signals.SIGNAL_NAMES} == handlers
    finally:
        signal.signal(signal.SIGHUP, before)


def test_late_signals_change_nothing(folder, monkeypatch):
    """A signal after the last epoch does not change the exit code."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in signals.SIGNAL_NAMES}
    try:
        monkeypatch.setattr(sys, "argv", ["umap-sk", *FIT, "--quiet"])
        assert main() == 0
        for name in signals.SIGNAL_NAMES:
            signal.raise_signal(getattr(signal, name))
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def test_a_process_is_stopped(folder, arrays):
    """A process that gets SIGTERM exits with code 75 and a checkpoint.

    The same command then resumes to the same bits.
    """
    planned = 20_000  # a second; a checkpoint may take as long to reach a busy disk, so the log is awaited
    epochs = ["--n-neighbors", "5", "--n-epochs", str(planned), "--random-state", "0"]
    command = [sys.executable, "-m", "umap_sk", *FIT[:7], *epochs, "--checkpoint", "runs"]
    command += ["--checkpoint-every-epochs", "100"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open("log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + 120
        while "layout: epoch" not in Path("log").read_text() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 75, Path("log").read_text()
    (newest,) = {max(folder.glob("runs/*/epoch-*.json"))}
    stopped = json.loads(newest.read_text())["epoch"]
    assert 100 <= stopped < planned and not Path("e.npy").exists()
    assert f"stopped by SIGTERM at epoch {stopped} of {planned}" in Path("log").read_text().splitlines()[-1]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"resumed epoch {stopped} of {planned}" in done.stderr
    expected = PrecomputedUMAP(**{**SETTINGS, "n_epochs": planned}).fit(**arrays).embedding_
    np.testing.assert_array_equal(np.load("e.npy"), expected)
