"""The systemd unit: it starts this program, keeps everything in one private folder, and its page says the same."""

from __future__ import annotations

import re
from configparser import RawConfigParser
from pathlib import Path

from tests.fixtures.service import ROOT, running_service

UNIT = RawConfigParser(strict=True, delimiters=("=",))
UNIT.optionxform = str  # type: ignore[method-assign,assignment] # names with their capitals
UNIT.read_string((ROOT / "deploy" / "trading-signals.service").read_text())
SERVICE = UNIT["Service"]
PAGE = (ROOT / "docs" / "deployment.md").read_text()


def test_it_starts_the_program_of_the_checkout_that_the_page_makes() -> None:
    python, program = SERVICE["ExecStart"].split()
    assert (Path(python).parts[-3:], (ROOT / Path(program).name).is_file()) == ((".venv", "bin", "python"), True)
    assert Path(program).parent == Path(python).parents[2]
    assert f"git clone … {Path(program).parent}" in PAGE


def test_what_it_keeps_is_in_one_folder_of_its_user_alone() -> None:
    assert SERVICE["WorkingDirectory"] == f"/var/lib/{SERVICE['StateDirectory']}"
    assert (SERVICE["StateDirectoryMode"], SERVICE["UMask"], SERVICE["ProtectSystem"]) == ("0700", "0077", "strict")
    assert f"useradd --system --home-dir {SERVICE['WorkingDirectory']}" in PAGE
    assert SERVICE["User"] in re.findall(r"useradd .* (\S+)", PAGE)


def test_its_variables_come_from_a_file_that_the_page_makes_readable_for_root_alone() -> None:
    assert f"install -m 600 /dev/null {SERVICE['EnvironmentFile'].removeprefix('-')}" in PAGE


def test_started_in_another_folder_everything_is_kept_beneath_that(tmp_path: Path) -> None:
    program = f"runpy.run_path({str(ROOT / 'main.py')!r}, run_name='__main__')"
    code = f"import os, runpy; os.chdir({str(tmp_path)!r}); {program}"
    database, spool, models = "sqlite:///data/trading_ai.db", "auto", "data/models"
    with running_service(
        "-c", code, ADMIN_TOKEN="", DATABASE_URL=database, STORAGE__SPOOL_PATH=spool, MODEL_SAVE_PATH=models
    ) as service:
        assert service.get("/health").json()["degraded"] == []
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"trading_ai.db", "admin_token"}
