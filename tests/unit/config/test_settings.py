"""Settings: the file, the environment over it, and one clear line when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Settings
from config.sources import CONFIG_FILE, load_settings, misspelled_names
from domain.errors import ConfigurationError
from domain.market import Timeframe

# Nine hundred mappings in each other.
NESTED = "\n".join(f"{' ' * depth}a:" for depth in range(900))


def test_the_shipped_file_is_valid_and_names_eight_symbols() -> None:
    settings = load_settings(environment={})
    assert len(settings.analysis.symbols) == 8
    assert settings.analysis.interval_minutes == 5
    assert settings.server.host == "127.0.0.1"


def test_environment_beats_the_file_and_overrides_beat_both() -> None:
    environment = {"PORT": "9001", "ANALYSIS_INTERVAL_MINUTES": "2", "PERIODIC_ANALYSIS": "false"}
    settings = load_settings(environment=environment, overrides={"server": {"port": 9002}})
    assert settings.server.port == 9002
    assert settings.analysis.interval_minutes == 2
    assert settings.periodic.enabled is False


def test_a_wrong_option_of_the_command_line_is_not_said_to_stand_in_a_file_or_a_variable() -> None:
    with pytest.raises(ConfigurationError, match=r"^command line: server\.port: needs at most 65535, received 99999$"):
        load_settings(environment={"PORT": "9001"}, overrides={"server": {"port": 99999}})


def test_lists_come_from_the_environment_with_commas() -> None:
    environment = {
        "ANALYSIS_SYMBOLS": "BTCUSDT, ETHUSDT",
        "MARKET_DATA_SOURCES": "stored, engine,engine_db,binance,yahoo,ccxt,files,synthetic",
        "TRUSTED_NETWORKS": "10.0.0.0/8,::1/128",
        "CORS_ORIGINS": "https://dashboard.example",
    }
    settings = load_settings(environment=environment)
    assert settings.analysis.symbols == ("BTCUSDT", "ETHUSDT")
    every = ("stored", "engine", "engine_db", "binance", "yahoo", "ccxt", "files", "synthetic")
    assert settings.market_data.sources == every
    assert [str(network) for network in settings.access.trusted_networks] == ["10.0.0.0/8", "::1/128"]
    assert settings.access.cors_origins == ("https://dashboard.example",)


@pytest.mark.parametrize(("value", "enabled"), [("on", True), ("off", False), ("OFF", False), ("true", True)])
def test_rate_limits_are_switched_by_words(value: str, enabled: bool) -> None:
    assert load_settings(environment={"RATE_LIMITS": value}).rate_limits.enabled is enabled


def test_any_key_is_reached_by_section_and_name() -> None:
    assert load_settings(environment={"STORAGE__TIMEOUT_MS": "75"}).storage.timeout_ms == 75


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "eighty"}, ["PORT", "server.port", "whole number"]),
        ({"MARKET_DATA_SOURCES": "kraken"}, ["MARKET_DATA_SOURCES", "market_data.sources"]),
        ({"ANALYSIS__FOO": "1"}, ["ANALYSIS__FOO", "analysis.foo", "unknown key"]),
        ({"ANALYSIS_SYMBOLS": "btc/usdt"}, ["ANALYSIS_SYMBOLS", "analysis.symbols"]),
        ({"RATE_LIMITS": "sometimes"}, ["RATE_LIMITS", "rate_limits.enabled"]),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(environment: dict[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment=environment)
    assert "\n" not in caught.value.message
    assert all(word in caught.value.message for word in words)


def test_an_unknown_key_in_the_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG_FILE.read_text() + "\nserver2:\n  port: 1\n")
    with pytest.raises(ConfigurationError, match=r"config\.yaml: server2: unknown key"):
        load_settings(file, environment={})


def test_secrets_are_refused_in_the_file_and_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG_FILE.read_text().replace("access:\n", "access:\n  admin_token: hush-hush\n"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environment={})
    assert "hush" not in caught.value.message
    settings = load_settings(environment={"ADMIN_TOKEN": "hush-hush", "DATABASE_URL": "mongodb://me:pass@h/db"})
    assert "hush" not in repr(settings)
    assert "pass" not in repr(settings)


@pytest.mark.parametrize("url", [None, "", "http://user:hush-hush@broker"])
def test_celery_does_not_start_without_the_url_of_a_broker(url: str | None) -> None:
    broker = {} if url is None else {"RABBITMQ_URL": url}
    with pytest.raises(ConfigurationError) as failure:
        load_settings(environment={"JOBS_BACKEND": "celery", **broker})
    message = failure.value.message
    assert "amqp://user:password@host:5672//" in message
    assert "hush-hush" not in message
    assert "\n" not in message


def test_the_password_of_the_broker_is_masked_in_the_log() -> None:
    settings = load_settings(environment={"RABBITMQ_URL": "amqp://signals:hush-hush@broker:5672//"})
    assert "hush-hush" in settings.secret_values()
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://:hush/hush@cache:6379/0"),
        ("REDIS_URL", "redis://:hush[hush@cache:6379/0"),
        ("RABBITMQ_URL", "amqp://signals:hush/hush@broker:5672//"),
    ],
)
def test_a_password_that_breaks_its_url_stops_the_start_and_no_part_of_it_is_shown(name: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: .*percent-encoded") as failure:
        load_settings(environment={name: url})
    assert "hush" not in failure.value.message


def test_an_empty_token_means_no_token() -> None:
    assert load_settings(environment={"ADMIN_TOKEN": ""}).access.admin_token is None


@pytest.mark.parametrize("text", ["just words", "server: 5", "a: [", "\x00", NESTED])
def test_a_file_that_is_no_settings_tree_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environment={})
    assert "\n" not in caught.value.message


def test_a_key_below_a_section_is_reached_by_one_more_pair_of_underscores() -> None:
    settings = load_settings(environment={"MODELS__TRAINING__SEED": "3", "MODEL_SAVE_PATH": "elsewhere"})
    assert (settings.models.training.seed, settings.models.save_path) == (3, "elsewhere")
    assert settings.models.training.batch_size == 32


def test_a_wrong_value_below_a_section_names_its_variable() -> None:
    with pytest.raises(ConfigurationError, match=r"^MODELS__TRAINING__SEED: models\.training\.seed: "):
        load_settings(environment={"MODELS__TRAINING__SEED": "many"})


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("INDICATORS__EMA_PERIODS", "9, 21", lambda settings: settings.indicators.ema_periods == (9, 21)),
        ("MODELS__RECURRENT__UNITS", "8,4", lambda settings: settings.models.recurrent.units == (8, 4)),
        ("MARKET_DATA__TIMEFRAMES", "1h", lambda settings: settings.market_data.timeframes == (Timeframe.H1,)),
        ("ACCESS__CORS_ORIGINS", "", lambda settings: settings.access.cors_origins == ()),
    ],
)
def test_a_list_comes_from_the_environment_with_commas(
    name: str, value: str, found: Callable[[Settings], bool]
) -> None:
    assert found(load_settings(environment={name: value}))


@pytest.mark.parametrize(
    ("name", "meant"), [("ANALYSYS__BLEND", "analysis"), ("MODEL__SAVE_PATH", "models"), ("LMM__MODEL", "llm")]
)
def test_a_misspelled_section_stops_the_start(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: unknown section \w+: is {meant} meant\?$"):
        load_settings(environment={name: "off"})


def test_variables_of_other_programs_are_none_of_the_settings() -> None:
    assert load_settings(
        environment={"GRAFANA__TOKEN": "x", "__CF_USER": "y", "services__api__http": "z"}
    ) == load_settings(environment={})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("openai_api_key", "OPENAI_API_KEY"),
        ("ANALYSIS_SYMBOL", "ANALYSIS_SYMBOLS"),
        ("TRADING_FEE_BPS", "TRADING__FEE_BPS"),
    ],
)
def test_a_misspelled_variable_is_named_with_the_setting_that_may_be_meant(name: str, meant: str) -> None:
    assert misspelled_names({name: "x", "PORT": "8000"}) == {name: meant}


def test_variables_of_other_programs_are_not_taken_for_misspelled_settings() -> None:
    others = ("OPENAI_ORG_ID", "REDIS_HOST", "LOG_DIR", "HOSTNAME", "PATH", "RUST_LOG", "DATABASE_HOST", "CLIENT_ID")
    assert misspelled_names(dict.fromkeys(others, "x")) == {}


def test_a_file_of_ones_own_holds_what_differs_and_the_environment_counts_more(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("server: {port: 9000, host: 127.0.0.2}\nmodels: {training: {seed: 3}}\n")
    settings = load_settings(environment={"CONFIG_FILE": str(file), "PORT": "9001"})
    assert (settings.server.port, settings.server.host, settings.models.training.seed) == (9001, "127.0.0.2", 3)
    assert settings.models.training.batch_size == 32


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("server: {port: eighty}", "server.port: "),
        ("server: {prot: 80}", "server.prot: unknown key"),
        ("sever: {port: 80}", "sever: unknown key"),
        ("access: {admin_token: hush-hush}", "access.admin_token is a secret"),
        ("jobs: {rabbitmq_url: amqp://user:hush-hush@broker}", "jobs.rabbitmq_url is a secret"),
        ("storage: {url: mongodb://user:hush-hush@host/name}", "storage.url is a secret"),
        ("redis: {url: redis://:hush-hush@host:6379/0}", "redis.url is a secret"),
    ],
)
def test_a_wrong_value_in_a_file_of_ones_own_names_that_file(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment={"CONFIG_FILE": str(file)})
    assert caught.value.message.startswith(f"mine.yaml: {reason}")
    assert "hush" not in caught.value.message


def test_a_file_of_ones_own_that_is_missing_or_endless_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^none\.yaml cannot be read: "):
        load_settings(environment={"CONFIG_FILE": str(tmp_path / "none.yaml")})
    with pytest.raises(ConfigurationError, match=r"^zero cannot be read: it has more than"):
        load_settings(environment={"CONFIG_FILE": "/dev/zero"})


def test_a_variable_of_thousands_of_parts_is_an_unknown_key() -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.a: unknown key$"):
        load_settings(environment={"__".join(["LLM", *"A" * 5_000]): "1"})


def test_celery_does_not_start_without_redis() -> None:
    environment = {"JOBS_BACKEND": "celery", "RABBITMQ_URL": "amqp://user:hush-hush@broker"}
    with pytest.raises(ConfigurationError, match=r"^celery needs REDIS_URL too"):
        load_settings(environment=environment)
