"""Where the service is told to listen: what cannot be done is said before it starts."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from api.server.address import check_address
from domain.errors import ConfigurationError
from tests.fixtures.service import ROOT


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_a_free_port_is_taken(host: str) -> None:
    check_address(host, 0)


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"^PORT: {port} of 127\.0\.0\.1 is taken .*: end it, or set "):
            check_address("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("nowhere.invalid", r"^HOST: nowhere\.invalid is not known here"),
        ("192.0.2.1", r"^HOST: 192\.0\.2\.1 is no address of this machine"),
    ],
)
def test_a_host_that_is_not_this_machine_is_named(host: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_address(host, 0)


@pytest.mark.parametrize("program", ["main.py", "cli.py"])
def test_ctrl_c_during_the_imports_leaves_no_traceback(program: str) -> None:
    """The interrupt comes with the first of the project's imports."""
    code = (
        "import builtins, os, runpy, signal, sys\n"
        "real = builtins.__import__\n"
        "def interrupted(name, *rest):\n"
        "    if name.split('.')[0] in {'api', 'typer'}:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = interrupted\n"
        f"runpy.run_path({program!r}, run_name='__main__')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("", "")
    assert ended.returncode == -2
