"""The service and its commands, started with standard streams that are closed or take nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from servers.process import free_port
from tests.fixtures.patience import COMMAND_SECONDS, PATIENCE_SECONDS
from tests.fixtures.service import ROOT, Service


def ended(shell: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell, in which CLI is `cli.py` in a new interpreter."""
    variables = {"PATH": os.environ["PATH"], "ADMIN_TOKEN": "t" * 20, "DATABASE_URL": f"sqlite:///{folder}/store.db"}
    line = shell.replace("CLI", f"{sys.executable} cli.py")
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )


def test_output_for_which_there_is_no_space_is_an_error_of_one_line(tmp_path: Path) -> None:
    found = ended("CLI admin-token > /dev/full", tmp_path)
    assert found.returncode == 2
    assert found.stderr.splitlines() == ["error: no space is left for a file; free some on its disk and run this again"]


def test_a_command_whose_reader_has_gone_says_nothing(tmp_path: Path) -> None:
    found = ended("exec 3> >(true); wait $!; CLI admin-token >&3", tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")


def test_a_command_runs_with_streams_that_are_closed(tmp_path: Path) -> None:
    found = ended("CLI ledger list --json <&- >&-", tmp_path)
    assert (found.returncode, found.stderr) == (0, "")


def test_log_lines_of_a_service_without_standard_error_go_into_no_other_file(tmp_path: Path) -> None:
    port = free_port()
    variables = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "MODEL_SAVE_PATH": f"{tmp_path}/models",
        "PERIODIC_ANALYSIS": "false",
    }
    command = f"exec {sys.executable} main.py <&- >&- 2>&-"
    process = subprocess.Popen(["bash", "-c", command], cwd=ROOT, env=variables)
    service = Service(process, port, Path(os.devnull))
    try:
        service.wait_ready()
        assert os.readlink(f"/proc/{process.pid}/fd/2") == os.devnull
        assert "log.stderr" not in service.get("/health").json()["degraded"]
    finally:
        process.terminate()
        status = process.wait(timeout=PATIENCE_SECONDS)
    assert status != -6  # aborted
