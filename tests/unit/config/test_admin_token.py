"""The administrator's token: made once, kept in a file that only its user may read, refused when it is not safe."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import cli
from config.secrets.admin_token import with_admin_token
from config.server_settings import AccessSettings
from config.sources import load_settings
from domain.errors import ConfigurationError
from tests.fixtures.service import ROOT


def access(folder: Path, **environment: str) -> AccessSettings:
    """Return the access section of a service whose database is in this folder, as it starts."""
    defaults = {"DATABASE_URL": f"sqlite:///{folder}/store.db"}
    return with_admin_token(load_settings(environment=defaults | environment)).access


def token_of(settings: AccessSettings) -> str:
    assert settings.admin_token is not None
    return settings.admin_token.get_secret_value()


def test_first_start_makes_a_token_beside_the_database_and_the_next_finds_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        first = access(tmp_path / "data")
    finally:
        os.umask(before)
    file = tmp_path / "data" / "admin_token"
    assert first.admin_token_file == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token_of(first))
    assert file.read_text() == f"{token_of(first)}\n"
    assert token_of(access(tmp_path / "data")) == token_of(first)
    assert token_of(access(tmp_path / "other")) != token_of(first)
    assert [path.name for path in file.parent.iterdir()] == ["admin_token"]


def test_a_token_of_the_environment_needs_no_file(tmp_path: Path) -> None:
    settings = access(tmp_path, **{"ADMIN_TOKEN": "correct horse", "ACCESS__ADMIN_TOKEN_FILE": f"{tmp_path}/unused"})
    assert (token_of(settings), settings.admin_token_file) == ("correct horse", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "file"),
    [
        ({"ACCESS__ADMIN_TOKEN_FILE": "elsewhere/key"}, "elsewhere/key"),
        ({"DATABASE_URL": "mongodb://127.0.0.1/trading"}, "data/admin_token"),
        ({"DATABASE_URL": "sqlite:///own/store.db"}, "own/admin_token"),
        ({"DATABASE_URL": "sqlite:///store.db"}, "admin_token"),
        ({"ADMIN_TOKEN": ""}, "data/admin_token"),
    ],
)
def test_where_the_token_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = with_admin_token(load_settings(environment=environment)).access
    assert made.admin_token_file == str(tmp_path / file)
    assert (tmp_path / file).read_text().strip() == token_of(made)


def test_services_that_start_at_once_have_one_token(tmp_path: Path) -> None:
    code = """
import sys
from config.secrets.admin_token import with_admin_token
from config.sources import load_settings
settings = load_settings(environment={"DATABASE_URL": sys.argv[1]})
print("ready", flush=True)
sys.stdin.readline()
print(with_admin_token(settings).access.admin_token.get_secret_value())
"""
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/data/store.db"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    starting = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in starting:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in starting:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    tokens = {process.communicate()[0].strip() for process in starting}
    assert tokens == {(tmp_path / "data" / "admin_token").read_text().strip()}


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        ("", 0o600, "is empty"),
        (" \n", 0o600, "is empty"),
        ("two words\n", 0o600, "holds more than one word of ASCII"),
        ("clé\n", 0o600, "holds more than one word of ASCII"),
        ("correct-horse\n", 0o644, "is open to every user of this machine"),
        ("correct-horse\n", 0o602, "is open to every user of this machine"),
    ],
)
def test_a_file_that_is_no_secret_stops_the_start_and_says_what_to_do(
    tmp_path: Path, content: str, mode: int, reason: str
) -> None:
    file = tmp_path / "admin_token"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        access(tmp_path)
    message = caught.value.message
    assert str(file) in message
    assert reason in message
    assert "set ADMIN_TOKEN" in message
    assert "correct-horse" not in message
    assert "\n" not in message
    assert file.read_text(encoding="utf-8") == content


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    file = tmp_path / "admin_token"
    file.write_text("planted\n")
    file.chmod(0o600)
    os.chown(file, 12345, 12345)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        access(tmp_path)


def test_what_is_no_readable_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "admin_token").mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        access(tmp_path)
    (tmp_path / "admin_token").rmdir()
    os.mkfifo(tmp_path / "admin_token", 0o600)
    with pytest.raises(ConfigurationError, match="is empty"):
        access(tmp_path)
    (tmp_path / "admin_token").unlink()
    (tmp_path / "admin_token").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="a link to a file that does not exist"):
        access(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        access(tmp_path / "file")


def test_a_folder_that_takes_no_file_stops_the_start() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no admin token can be kept in /proc/x/admin_token .*: set ADMIN_TOKEN"
    ):
        access(Path("/proc/x"))


def test_the_made_token_is_a_secret_like_every_other(tmp_path: Path) -> None:
    settings = with_admin_token(load_settings(environment={"DATABASE_URL": f"sqlite:///{tmp_path}/store.db"}))
    token = token_of(settings.access)
    assert token in settings.secret_values()
    assert token not in repr(settings)


def test_the_command_line_prints_the_token_of_the_service(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/store.db", "ADMIN_TOKEN": ""}
    shown = CliRunner().invoke(cli, ["admin-token"], env=environment)
    assert shown.output == f"{token_of(access(tmp_path))}\n"
    assert CliRunner().invoke(cli, ["admin-token"], env=environment | {"ADMIN_TOKEN": "given"}).output == "given\n"
