"""The compose file: variables reach the service, what it keeps outlives its container, parts fit together."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from config.settings import Settings
from config.sources import ENVIRONMENT_NAMES, load_settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICE = SERVICES["service"]
OWN = ("service", "api", "worker", "beat")
# The image listens where the compose file publishes it, and models are in the volume.
OF_THE_IMAGE = {"HOST", "PORT", "MODEL_SAVE_PATH"}
# The stages of the image by name, each with its lines.
TARGETS = {
    stage.splitlines()[0].split()[-1]: stage
    for stage in re.split(r"^(?=FROM )", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
}
# A command of Compose on a page, with the variables before it.
COMMAND = re.compile(r"(?P<variables>(?:\b[A-Z_]+=\S+ )*)docker compose (?:--profile [a-z]+ )*up\b")
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
    for name in OWN:
        assert SERVICES[name]["environment"].keys() <= ENVIRONMENT_NAMES.keys()


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


@pytest.mark.parametrize("page", ["docker-compose.yml", "docs/deployment.md", "docs/monitoring.md", "README.md"])
def test_the_service_starts_by_the_variables_of_each_command_shown(page: str) -> None:
    commands = [found["variables"] for found in COMMAND.finditer((ROOT / page).read_text())]
    assert commands
    for variables in commands:
        found = settings(**dict(word.split("=", 1) for word in variables.split()))
        assert found.jobs.backend == ("celery" if "celery" in variables else "child_process")


def test_what_the_service_keeps_beside_its_database_is_in_the_volume() -> None:
    (mount,) = [volume.split(":")[1] for volume in SERVICE["volumes"]]
    image = (ROOT / "Dockerfile").read_text()
    assert (mount, f"VOLUME {mount}" in image, "chown service:service /app/data" in image) == ("/app/data", True, True)
    kept = settings().models.save_path
    assert PurePosixPath("/app", kept).is_relative_to(mount)


def published(part: dict[str, Any]) -> list[str]:
    return [str(port) for port in part.get("ports", [])]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in published(SERVICES[name]))


def test_no_two_parts_are_published_on_one_port() -> None:
    ports = [port.split(":")[1] for part in SERVICES.values() for port in published(part)]
    assert len(ports) == len(set(ports)) == 5


@pytest.mark.parametrize("name", SERVICES)
def test_no_part_gets_further_rights_and_our_own_have_next_to_none(name: str) -> None:
    part = SERVICES[name]
    assert part["security_opt"] == ["no-new-privileges:true"]
    if "build" in part:  # tests/e2e/test_confined.py runs the service so
        assert (part["read_only"], part["cap_drop"], "cap_add" in part) == (True, ["ALL"], False)
        assert re.fullmatch(r"(\$\{[A-Z]+_MEMORY:-)?\d+[mg]}?", part["mem_limit"])
        assert part["pids_limit"] > 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_or_a_target_of_the_dockerfile(name: str) -> None:
    part = SERVICES[name]
    if "build" in part:
        assert part["build"]["target"] in TARGETS
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?", part["image"])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"worker", "beat"}))
def test_every_part_that_answers_is_checked(name: str) -> None:
    in_the_image = "build" in SERVICES[name] and "HEALTHCHECK" in TARGETS[SERVICES[name]["build"]["target"]]
    assert in_the_image or "test" in SERVICES[name]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_part_waits_only_for_parts_that_its_profile_starts_and_that_are_checked(name: str) -> None:
    profiles = set(SERVICES[name].get("profiles", []))
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        theirs = set(SERVICES[needed].get("profiles", []))
        assert not theirs or (profiles and profiles <= theirs)


def test_the_profile_of_many_machines_has_all_of_them() -> None:
    scaled = {name for name, part in SERVICES.items() if "scale" in part.get("profiles", ["scale"])} - {"service"}
    assert scaled == {"api", "proxy", "worker", "beat", "rabbitmq", "redis", "mongodb", "flower"}
    assert SERVICES["api"]["deploy"]["replicas"] == 2
    assert (SERVICES["api"]["build"]["target"], SERVICES["worker"]["build"]["target"]) == ("api", "worker")


def test_the_profile_of_monitoring_goes_with_any_other() -> None:
    watching = {name for name, part in SERVICES.items() if "monitoring" in part.get("profiles", [])}
    assert watching == {"prometheus", "grafana"}
    assert all(SERVICES[name]["profiles"] == ["monitoring"] for name in watching)
    assert all(SERVICES[name]["networks"] == ["trading"] for name in watching)


def test_grafana_has_a_password_of_its_own_and_does_not_start_without_one(tmp_path: Path) -> None:
    grafana = SERVICES["grafana"]
    assert COMPOSE["secrets"] == {"grafana_password": {"environment": "GRAFANA_PASSWORD"}}
    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"/run/secrets/{grafana['secrets'][0]}"
    shell, option, script = grafana["entrypoint"]
    secret, started = tmp_path / "secret", tmp_path / "run.sh"
    started.write_text("#!/bin/sh\necho started\n")
    started.chmod(0o755)
    command = script.replace("$$", "$").replace("/run.sh", str(started))

    def start() -> tuple[int, str]:
        environment = {"GF_SECURITY_ADMIN_PASSWORD__FILE": str(secret)}
        done = subprocess.run([f"/bin/{shell}", option, command], env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    refusal = 1, "GRAFANA_PASSWORD is not set: see docs/monitoring.md\n"
    assert start() == refusal
    secret.write_text("")
    assert start() == refusal
    secret.write_text("a password")
    assert start() == (0, "started\n")


def test_replicas_and_workers_share_store_broker_and_the_folder_of_the_models() -> None:
    shared = [SERVICES[name] for name in ("api", "worker", "beat")]
    assert {part["environment"]["JOBS_BACKEND"] for part in shared} == {"celery"}
    for variable in ("DATABASE_URL", "RABBITMQ_URL", "REDIS_URL"):
        assert len({part["environment"][variable] for part in shared}) == 1
    assert {tuple(part["volumes"]) for part in shared} == {("service:/app/data",)}


def test_the_proxy_is_the_one_whose_word_on_clients_is_taken() -> None:
    network = COMPOSE["networks"]["trading"]["ipam"]["config"][0]
    address = ip_address(SERVICES["proxy"]["networks"]["trading"]["ipv4_address"])
    assert [str(known) for known in settings().access.trusted_proxies] == [f"{address}/32"]
    assert address in ip_network(network["subnet"])
    assert address not in ip_network(network["ip_range"])
    assert "./deploy/nginx.conf:/etc/nginx/nginx.conf:ro" in SERVICES["proxy"]["volumes"]


def test_the_broker_has_the_password_that_its_clients_use() -> None:
    password = SERVICES["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_PASS"]
    assert f"signals:{password}@rabbitmq" in SERVICES["worker"]["environment"]["RABBITMQ_URL"]
    assert SERVICES["flower"]["environment"]["CELERY_BROKER_URL"] == SERVICES["worker"]["environment"]["RABBITMQ_URL"]


def test_what_the_image_copies_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sources = [
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert [source for source in sources if not (ROOT / source).exists() or f"!{source}" not in ignored] == []


def test_only_the_image_of_the_api_goes_without_the_libraries_that_train() -> None:
    assert "--from=installer" in TARGETS["api"]
    assert "-r requirements-serve.txt" in TARGETS["installer"]
    assert "--from=complete-installer" in TARGETS["worker"]
    assert "-r requirements.txt" in TARGETS["complete-installer"]
    # what `docker build .` makes can do everything
    assert list(TARGETS)[-1] == "service"
    assert "FROM worker AS service" in TARGETS["service"]


@pytest.mark.parametrize("target", ["api", "worker"])
def test_a_change_of_the_code_leaves_the_layers_of_the_libraries_as_they_are(target: str) -> None:
    *before, code = re.findall(r"^(?:RUN|COPY) .*", TARGETS[target], re.MULTILINE)
    assert code == "COPY --from=code /app ."
    assert any("/app/.venv" in line for line in before)
    assert TARGETS[target].startswith("FROM base AS")
    assert "COPY" not in TARGETS["base"]
