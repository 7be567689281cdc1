"""The compose file: every variable of the service reaches it, and what it keeps outlives its container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from config.settings import Settings
from config.sources import ENVIRONMENT_NAMES, load_settings

ROOT = Path(__file__).resolve().parents[3]
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["service"]
# The image listens where the compose file publishes it, and models are in the volume.
OF_THE_IMAGE = {"HOST", "PORT", "MODEL_SAVE_PATH"}
WITH_DEFAULT = re.compile(r"\$\{([A-Z_]+):-(.*)\}")


def in_the_container(shell: Mapping[str, str]) -> dict[str, str]:
    """Return the variables in the container, by the rules of Compose."""
    found: dict[str, str] = {}
    for name, value in SERVICE["environment"].items():
        if value is None:
            found |= {name: shell[name]} if name in shell else {}
        elif variable := WITH_DEFAULT.fullmatch(value):
            found[name] = shell.get(variable[1]) or variable[2]
        else:
            found[name] = value
    return found


def settings(**shell: str) -> Settings:
    return load_settings(environment=in_the_container(shell))


@pytest.mark.parametrize("name", sorted(ENVIRONMENT_NAMES.keys() - OF_THE_IMAGE))
def test_every_variable_is_passed_on(name: str) -> None:
    assert name in SERVICE["environment"]


def test_no_variable_is_passed_on_that_the_service_does_not_know() -> None:
    assert SERVICE["environment"].keys() <= ENVIRONMENT_NAMES.keys()


def test_without_variables_the_values_of_the_file_hold() -> None:
    found, usual = settings(), load_settings(environment={})
    assert found.storage.url.get_secret_value() == "mongodb://mongodb:27017/trading_ai"
    assert (found.analysis, found.market_data, found.llm) == (usual.analysis, usual.market_data, usual.llm)


def test_variables_of_the_shell_reach_the_service() -> None:
    found = settings(
        OPENAI_API_KEY="sk-one",
        OPENAI_BACKUP_API_KEYS="sk-two,sk-three",
        OPENAI_BASE_URL="http://llm:9000/v1",
        OPENAI_REQUEST_DELAY="7",
        ANALYSIS_SYMBOLS="BTCUSDT, SOLUSDT",
        MARKET_DATA_SOURCES="stored,binance",
        PERIODIC_ANALYSIS="false",
        TRUSTED_NETWORKS="10.0.0.0/8",
    )
    assert [key.get_secret_value() for key in found.llm.keys] == ["sk-one", "sk-two", "sk-three"]
    assert (found.llm.base_url, found.llm.spacing_seconds) == ("http://llm:9000/v1", 7)
    assert found.analysis.symbols == ("BTCUSDT", "SOLUSDT")
    assert (found.market_data.sources, found.periodic.enabled) == (("stored", "binance"), False)
    assert [str(network) for network in found.access.trusted_networks] == ["10.0.0.0/8"]


def test_what_the_service_keeps_beside_its_database_is_in_the_volume() -> None:
    (mount,) = [volume.split(":")[1] for volume in SERVICE["volumes"]]
    image = (ROOT / "Dockerfile").read_text()
    assert (mount, f"VOLUME {mount}" in image, "chown service:service /app/data" in image) == ("/app/data", True, True)
    kept = settings().models.save_path
    assert PurePosixPath("/app", kept).is_relative_to(mount)
