"""A running service is backed up and restored into a new folder, by the commands of docs/deployment.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from models.registry.registry import Registry
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.service import ROOT, Service, running_service

SECTION = re.compile(r"## Backup and restore\n.*?```sh\n(.*?)```.*?```sh\n(.*?)```", re.DOTALL)


def documented() -> tuple[str, str]:
    """Return the two scripts of the page: backup and restore."""
    found = SECTION.search((ROOT / "docs/deployment.md").read_text())
    assert found is not None
    return found[1], found[2]


def settings_in(folder: Path) -> dict[str, Any]:
    """Return the settings of a service that keeps all it has in `data` of this folder."""
    return {
        "DATABASE_URL": f"sqlite:///{folder}/data/trading_ai.db",
        "STORAGE__SPOOL_PATH": f"{folder}/data/spool",
        "MODEL_SAVE_PATH": f"{folder}/data/models",
        "ADMIN_TOKEN": "",
        "TRUSTED_NETWORKS": "127.0.0.0/8",
    }


def run_script(script: str, folder: Path) -> None:
    """Run a script of the page in the folder of a service, where `.venv` and `cli.py` are."""
    for name, target in (("cli.py", ROOT / "cli.py"), (".venv", Path(sys.executable).parent.parent)):
        if not (folder / name).exists():
            (folder / name).symlink_to(target)
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=clean | settings_in(folder),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def post(service: Service, seed: int) -> dict[str, Any]:
    return analyzed(service, shape_a(seed=seed, symbol=f"COIN{seed}USDT"))


def read(service: Service, path: str) -> dict[str, Any]:
    answer = service.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def missing(service: Service, analysis_ids: list[str]) -> list[str]:
    """Return which of these analyses the ledger has no entry of."""
    entries = [entry["id"] for entry in read(service, "/ai/ledger?limit=500&lane=rules")["entries"]]
    return [wanted for wanted in analysis_ids if not any(entry.startswith(wanted) for entry in entries)]


def archived(service: Service) -> int:
    found: int = read(service, "/ai/storage/stats")["archived_analyses"]
    return found


@pytest.mark.slow
def test_a_running_service_is_backed_up_and_restored_elsewhere(tmp_path: Path) -> None:
    backup, restore = documented()
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "data").mkdir(parents=True)
    there.mkdir()
    version = put_in_production(Registry(here / "data/models"), symbol="ETHUSDT")
    with running_service(**settings_in(here)) as service, ThreadPoolExecutor(1) as pool:
        before = [post(service, seed)["analysis_id"] for seed in range(1, 6)]
        assert (missing(service, before), archived(service)) == ([], len(before))
        token = (here / "data/admin_token").read_text()
        stop = Event()

        def go_on() -> int:
            """Post until the backup is made, so that it happens between writes."""
            seed = 100
            while not stop.is_set():
                post(service, seed)
                seed += 1
            return seed - 100

        writing = pool.submit(go_on)
        run_script(backup, here)
        stop.set()
        assert writing.result() > 0
    (there / "backup").symlink_to(here / "backup")
    run_script(restore, there)
    with running_service(**settings_in(there)) as restored:
        assert missing(restored, before) == []
        assert archived(restored) >= len(before)
        assert (there / "data/admin_token").read_text() == token
        bearer = {"authorization": f"Bearer {token.strip()}"}
        assert restored.get("/jobs", headers=bearer).status_code == 200
        body = shape_b(count=200)
        del body["strategy_context"]
        assert restored.post("/ai/predict", json=body).json()["model_version"] == version
        kept = archived(restored)
        assert missing(restored, [post(restored, 7)["analysis_id"]]) == []
        assert archived(restored) == kept + 1
