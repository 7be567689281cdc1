"""Ctrl-C while `cli.py train` trains a network, in a process of its own, as a user runs it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.candle_files import write_candles
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.planted_market import reversal_market

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
# `cli.py` on a machine that is slow to read: a thread of TensorFlow waits for a batch most of the time.
SLOW_BATCHES = """
import runpy, sys, time

from config.sources import load_settings
from models.training.backend import use_backend

use_backend(load_settings().models.training)
from models.training.network_training import _Batches

read = _Batches.__getitem__

def read_slowly(batches, index):
    time.sleep(0.1)
    return read(batches, index)

_Batches.__getitem__ = read_slowly
sys.argv[0] = "cli.py"
runpy.run_path("cli.py", run_name="__main__")
"""


def test_ctrl_c_ends_a_training_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    candles = write_candles(tmp_path / "LTCUSDT-1h.csv", reversal_market(420, 0.7, 3))
    screen, terminal = pty.openpty()
    root = tmp_path / "models"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BATCHES, "train", str(candles), "--type", "lstm", "--epochs", "100"],
        cwd=ROOT,
        env={
            **os.environ,
            "MODEL_SAVE_PATH": str(root),
            "MODELS__EVALUATION__FOLDS": "2",
            "COLUMNS": "200",
            "TERM": "xterm",
        },
        stdout=subprocess.PIPE,
        stderr=terminal,
        # Shells start what runs in the background deaf to Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(terminal)
    seen = b""
    with os.fdopen(screen, "rb", buffering=0) as file:
        while b"epoch 1 of 100" not in seen:
            seen += file.read(4096)
        process.send_signal(signal.SIGINT)
        try:
            printed, _ = process.communicate(timeout=COMMAND_SECONDS)
            while read := file.read(4096):
                seen += read
        except OSError:  # a terminal's end of file
            pass
        finally:
            process.kill()
    assert process.returncode == 130
    assert printed == b""
    assert b"Traceback" not in seen
    assert b"validation 0." in seen
    assert not root.exists()
