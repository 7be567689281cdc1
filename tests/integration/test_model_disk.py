"""The disk of the models is full, read-only or damaged: clear errors, no partial files, and a report in /health."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from config.sources import load_settings
from domain.errors import ModelStorageUnavailable
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.registry.disk import check_disk, look_at_disk
from models.registry.registry import Registry
from models.training.training_run import TrainingRequest
from services.training.managers import open_manager
from tests.conftest import MakeClient
from tests.fixtures.degraded import degraded, parts
from tests.fixtures.models import NOON, add_model, files_of, make_metadata
from tests.fixtures.patience import COMMAND_SECONDS, wait_until
from tests.fixtures.service import ROOT

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]

FULL = "the folder of the models cannot be written: No space left on device; free space there"
READ_ONLY = "the folder of the models cannot be written: Read-only file system; let the service's user write there"


@pytest.fixture
def registry(small_disk: SmallDisk) -> Registry:
    """Return a registry on a disk of 1 MB, with two versions of which the first serves."""
    registry = Registry(small_disk.folder / "models")
    first = add_model(registry)
    registry.promote(first.version, by="gate", reason="better", at=NOON)
    add_model(registry, created_at=NOON.replace(hour=13))
    return registry


@pytest.fixture
def client(make_client: MakeClient, registry: Registry) -> TestClient:
    """Return a client of a service with these models."""
    return make_client(models={"save_path": str(registry.root), "serving": {"reload_seconds": 0.05}})


def content(registry: Registry) -> dict[str, bytes]:
    """Return every file of the registry, but its lock."""
    files = (path for path in registry.root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(registry.root)): path.read_bytes() for path in files}


def changes(registry: Registry) -> list[tuple[str, str, dict[str, Any]]]:
    second = registry.versions().models[0].version
    return [
        ("POST", f"/ai/models/{second}/promote", {"reason": "by hand"}),
        ("POST", "/model/load", {"version": second}),
        ("POST", "/ai/models/rollback", {"symbol": "BTCUSDT", "timeframe": "1h", "reason": "by hand"}),
    ]


def test_a_version_that_does_not_fit_leaves_no_trace(registry: Registry, small_disk: SmallDisk) -> None:
    before = content(registry)
    large = make_metadata(created_at=NOON.replace(hour=14))
    write = files_of(large)

    def write_too_much(folder: Path) -> None:
        write(folder)
        (folder / "model.keras").write_bytes(bytes(8_000_000))

    with pytest.raises(ModelStorageUnavailable) as caught:
        registry.add(large, write_too_much)
    assert caught.value.message.startswith(FULL)
    assert content(registry) == before
    assert not list(registry.root.glob(".unfinished_*"))
    registry.add(large, write)  # which fits


def test_every_change_on_a_full_disk_is_503_with_the_remedy_and_changes_nothing(
    client: TestClient, registry: Registry, small_disk: SmallDisk
) -> None:
    before = content(registry)
    with small_disk.full():
        for method, path, body in changes(registry):
            response = client.request(method, path, json=body)
            assert response.status_code == 503, (path, response.text)
            assert response.json()["detail"].startswith(FULL)
            assert str(registry.root) not in response.text
        assert content(registry) == before
        assert client.post("/model/save", json={}).status_code == 200  # reads alone: what was saved still is
        part = degraded(client, "models_disk", "the disk of the models has 0.0 MiB free")
        assert "MODEL_SAVE_PATH" in part["remedy"]
        # Deleting needs no room, and makes some.
        registry_versions = len(registry.versions().models)
        assert client.delete("/model/cleanup", params={"keep_count": 1}).json()["kept_models"] == registry_versions
    method, path, body = changes(registry)[0]
    assert client.request(method, path, json=body).status_code == 200


def test_every_change_on_a_read_only_disk_is_503_with_the_remedy(
    client: TestClient, registry: Registry, small_disk: SmallDisk
) -> None:
    before = content(registry)
    with small_disk.read_only():
        for method, path, body in [*changes(registry), ("DELETE", "/model/cleanup?keep_count=1", {})]:
            response = client.request(method, path, json=body)
            assert response.status_code == 503, (path, response.text)
            assert response.json()["detail"].startswith(READ_ONLY)
        assert "let the service's user write there" in degraded(client, "models_disk", "Read-only")["remedy"]
        assert content(registry) == before


def test_a_half_written_alias_file_is_named_and_what_served_goes_on(
    client: TestClient, registry: Registry, small_disk: SmallDisk
) -> None:
    wait_until(lambda: client.get("/health").json()["model_loaded"])
    aliases = registry.root / "aliases.json"
    whole = aliases.read_bytes()
    aliases.write_bytes(whole[: len(whole) // 2])
    part = degraded(client, "models")
    assert "aliases.json is unusable" in part["reason"]
    assert part["reason"].endswith("; what served before goes on serving")
    assert part["remedy"].startswith("restore aliases.json")
    assert client.get("/health").json()["models"] == {"BTCUSDT 1h": registry.versions().models[-1].version}
    assert part in client.get("/readyz").json()["problems"]
    aliases.write_bytes(whole)
    wait_until(lambda: "models" not in parts(client))


def test_a_damaged_file_of_recalibrations_is_named_and_forecasts_go_on(client: TestClient, registry: Registry) -> None:
    wait_until(lambda: client.get("/health").json()["model_loaded"])
    file = registry.root / "recalibrations.json"
    file.write_text("{")
    part = degraded(client, "models")
    assert "recalibrations.json is unusable" in part["reason"]
    assert part["remedy"].startswith("restore recalibrations.json from a backup, or delete it")
    assert client.get("/health").json()["models"] == {"BTCUSDT 1h": registry.versions().models[-1].version}
    file.unlink()
    wait_until(lambda: "models" not in parts(client))


def test_a_training_is_refused_before_it_begins(small_disk: SmallDisk) -> None:
    settings = load_settings(environment={}, overrides={"models": {"save_path": str(small_disk.folder / "models")}})
    manager = open_manager(settings.models, settings.features, 14, lambda: NOON)
    request = TrainingRequest(ModelType.LOGISTIC, "BTCUSDT", Timeframe.H1)
    with pytest.raises(ModelStorageUnavailable, match="MiB free; a training needs 32; free space there"):
        manager.train(request, {}, lambda _: None)
    assert list(small_disk.folder.iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_judged_by_where_it_will_be(tmp_path: Path, small_disk: SmallDisk) -> None:
    check_disk(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    assert look_at_disk(small_disk.folder / "a" / "b") is not None
    (tmp_path / "file").touch()
    with pytest.raises(ModelStorageUnavailable, match="Not a directory"):
        check_disk(tmp_path / "file" / "models")


def test_the_command_line_says_it_in_one_line(registry: Registry, small_disk: SmallDisk) -> None:
    second = registry.versions().models[0].version
    command = [sys.executable, "cli.py", "models", "promote", second, "--force", "by hand"]
    environment = {"PATH": "", "MODEL_SAVE_PATH": str(registry.root)}
    with small_disk.full():
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {FULL}")
    assert done.stderr.count("\n") == 1
