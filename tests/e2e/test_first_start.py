"""The first start without ADMIN_TOKEN: a token is made, its file is named, and the token itself is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.commands import failed_start
from tests.fixtures.service import running_service

MAIN, CLI = ("main.py",), ("cli.py", "serve", "--port", "{port}")
UVICORN = ("-m", "uvicorn", "main:app", "--port", "{port}")


@pytest.mark.parametrize("command", [MAIN, CLI, UVICORN], ids=["main", "cli", "uvicorn"])
def test_the_token_opens_the_admins_routes_and_only_its_file_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    database, file = f"sqlite:///{tmp_path}/store.db", tmp_path / "admin_token"
    with running_service(*command, ADMIN_TOKEN="", DATABASE_URL=database, COLUMNS="300") as service:
        token = file.read_text().strip()
        assert service.get("/jobs").status_code == 401
        bearer = {"authorization": f"Bearer {token}"}
        assert service.get("/jobs", headers=bearer).status_code == 200
        # A client may put into the log what it likes, the token too.
        named = {"x-request-id": token}
        assert service.get("/ai/health/market-condition", headers=named).status_code == 503
        service.stop()
        output = service.output
    assert f"file={file}" in output
    assert "request_id=***" in output
    assert token not in output
    assert ("by the token in" in output) is (command != UVICORN)
    with running_service(ADMIN_TOKEN="", DATABASE_URL=database) as service:
        assert service.get("/jobs", headers=bearer).status_code == 200


def test_no_accuracy_is_claimed_before_the_first_outcome() -> None:
    with running_service() as service:
        text = service.get("/metrics").text
    assert "# TYPE ai_prediction_accuracy gauge\n" in text
    assert "\nai_prediction_accuracy " not in text
    assert "NaN" not in text


def test_trust_in_loopback_is_warned_of_on_the_start_screen_and_in_the_log() -> None:
    warning = "access.loopback_admin is on"
    with running_service(ACCESS__LOOPBACK_ADMIN="true", COLUMNS="300") as service:
        assert service.get("/jobs").status_code == 200
        service.stop()
        assert service.output.count(warning) == 2
    with running_service() as service:
        service.stop()
        assert warning not in service.output
        assert "by ADMIN_TOKEN" in service.output


@pytest.mark.parametrize("command", [MAIN, CLI, UVICORN], ids=["main", "cli", "uvicorn"])
def test_a_token_that_other_users_can_read_stops_the_start_with_one_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "admin_token"
    file.write_text("planted-token\n")
    file.chmod(0o644)
    environment = {"PATH": "", "DATABASE_URL": f"sqlite:///{tmp_path}/store.db"}
    done = failed_start([part.format(port=0) for part in command], environment)
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(lines) == 1
    assert f"the admin token in {file} is open to every user of this machine" in lines[0]
    assert "chmod 600" in lines[0]
    assert "planted-token" not in lines[0]
