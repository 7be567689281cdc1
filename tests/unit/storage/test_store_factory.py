"""The URL chooses the store; an unusable one is refused in one line without its password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import StorageSettings
from domain.errors import ConfigurationError
from storage.adapter_ports import Store
from storage.factory import build_ledger, build_store
from tests.fixtures.settings import configured


def build(url: str) -> Store:
    return build_store(configured(StorageSettings, url=SecretStr(url)))


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///data/x.db", "sqlite"),
        ("sqlite:////tmp/x.db", "sqlite"),
        ("mongodb://127.0.0.1:27017/trading", "mongodb"),
        ("mongodb://user:p%40ss@one:1,two:2/trading?replicaSet=rs0", "mongodb"),
        ("mongodb+srv://user:pass@cluster.example.com/trading", "mongodb"),
    ],
)
def test_scheme_chooses_the_store(url: str, kind: str) -> None:
    assert build(url).kind == kind
    assert build_ledger(configured(StorageSettings, url=SecretStr(url))).kind == kind


async def test_sqlite_path_is_relative_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ["sqlite:///data/relative.db", f"sqlite:///{tmp_path}/absolute.db"]:
        store = build(url)
        await store.open()
        await store.close()
    assert (tmp_path / "data" / "relative.db").is_file()
    assert (tmp_path / "absolute.db").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2",
        "postgresql://user:hunter2@db/trading",
        "sqlite://data/hunter2.db",
        "sqlite:///",
        "sqlite:///data/",
        "sqlite:///:memory:",
        "mongodb://user:hunter2@127.0.0.1:27017",
        "mongodb://user:hunter2@127.0.0.1:27017/",
        "mongodb://user:hunter2@127.0.0.1:27017/?authSource=admin",
        "mongodb://user:hunter2@127.0.0.1:27017/with.dot",
        "mongodb://user:hunter2@127.0.0.1:27017/with%20space",
        "mongodb://user:hunter2@host:no-port/trading",
        "mongodb://us@er:hunter2@host/trading",
        "mongodb:///trading",
        "mongodb://user:hunter2@127.0.0.1:27017/trading?w=0",
        "mongodb://[hunter2/trading",
        "mongodb+srv://user:hunter2@cluster.example.com",
    ],
)
def test_unusable_url_is_refused_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"storage\.url") as refusal:
        build(url)
    assert "hunter2" not in refusal.value.message
    assert "\n" not in refusal.value.message


def test_driver_of_mongodb_is_not_imported_for_sqlite() -> None:
    code = (
        "import sys; from config.sources import load_settings; from storage.factory import build_ledger, build_store; "
        "build_store(load_settings(environment={}).storage); "
        "print(*sorted({'motor', 'pymongo', 'bson'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
