"""What a person reads when a setting cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.sources import load_settings
from domain.errors import ConfigurationError

NO_NUMBER = "needs a number: yes, no, on, off, true and false are none"


def refusal(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(environment=environment)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PORT", "abc", "PORT: server.port: needs a whole number, received abc"),
        ("PORT", "70000", "PORT: server.port: needs at most 65535, received 70000"),
        ("PORT", "", "PORT: server.port: needs a whole number"),
        ("HOST", "", "HOST: server.host: needs an address or a name, such as 127.0.0.1, 0.0.0.0 or ::"),
        ("HOST", "http://x", "HOST: server.host: needs an address or a name, such as 127.0.0.1, 0.0.0.0 or ::"),
        (
            "ANALYSIS_INTERVAL_MINUTES",
            "0",
            "ANALYSIS_INTERVAL_MINUTES: analysis.interval_minutes: needs more than 0, received 0",
        ),
        ("PERIODIC_ANALYSIS", "maybe", "PERIODIC_ANALYSIS: periodic.enabled: needs on or off, received maybe"),
        ("JOBS_BACKEND", "threads", "JOBS_BACKEND: jobs.backend: needs 'child_process' or 'celery', received threads"),
        ("ANALYSIS_SYMBOLS", "", "ANALYSIS_SYMBOLS: analysis.symbols: needs a value, received none"),
        (
            "ANALYSIS_SYMBOLS",
            "BTCUSDT,ETHUSDT,BTCUSDT",
            "ANALYSIS_SYMBOLS: analysis.symbols: needs each once, BTCUSDT is there twice",
        ),
        (
            "MARKET_DATA_SOURCES",
            "binance,binance",
            "MARKET_DATA_SOURCES: market_data.sources: needs each once, binance is there twice",
        ),
        ("ANALYSIS_SYMBOLS", "btcusdt", "ANALYSIS_SYMBOLS: analysis.symbols.0: symbol btcusdt: write BTCUSDT"),
        (
            "TRUSTED_NETWORKS",
            "127.0.0.0/8,10.0.0.0/99",
            "TRUSTED_NETWORKS: access.trusted_networks.1: needs networks such as 10.0.0.0/8 or 192.168.1.5/32, "
            "received '10.0.0.0/99'",
        ),
        (
            "CORS_ORIGINS",
            "https://page.example/",
            "CORS_ORIGINS: access.cors_origins.0: needs origins such as https://page.example, with no path and no "
            "slash at the end, received 'https://page.example/'",
        ),
        (
            "RUST_API_URL",
            "engine",
            "RUST_API_URL: market_data.engine_url: needs a URL such as http://host:8080, or nothing",
        ),
        *(
            ("OPENAI_BASE_URL", url, "OPENAI_BASE_URL: llm.base_url: needs a URL such as http://host:8080, or nothing")
            for url in ("http://host:port/v1", "http://host:99999/v1", "http://[::1/v1", "http://:80/v1")
        ),
        (
            "TRUSTED_HOSTS",
            "https://signals.example",
            "TRUSTED_HOSTS: access.trusted_hosts.0: needs names such as signals.example, with no scheme and no port, "
            "received 'https://signals.example'",
        ),
        ("LLM__MODLE", "x", "LLM__MODLE: llm.modle: unknown key: is model meant?"),
        ("LLM__COLOR_OF_HAT", "x", "LLM__COLOR_OF_HAT: llm.color_of_hat: unknown key"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_needed(name: str, value: str, line: str) -> None:
    assert refusal(**{name: value}) == line


@pytest.mark.parametrize("name", ["ADMIN_TOKEN", "WS_TOKEN", "CLIENT_TOKENS"])
def test_a_token_that_no_header_takes_is_refused_without_being_repeated(name: str) -> None:
    line = refusal(**{name: "pässword-of-mine"})
    assert "needs printable ASCII characters" in line
    assert "mine" not in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("analysis:\n  symbols: BTCUSDT\n", "own.yaml: analysis.symbols: needs a list"),
        ("analysis:\n  symbols: [BTCUSDT\n", "own.yaml cannot be read: line 3: did not find expected ',' or ']'"),
        (
            "analysis:\n  interval_minute: 3\n",
            "own.yaml: analysis.interval_minute: unknown key: is interval_minutes meant?",
        ),
        (
            "access:\n  loopback_admin: false\nllm:\n  model: gpt-4o\naccess:\n  client_tokens: []\n",
            "own.yaml cannot be read: line 5: access is there twice",
        ),
        ("models:\n  lstm: &shared {units: 3}\n  gru: {<<: *shared}\n", "own.yaml: models.lstm: unknown key"),
        (
            "schedule:\n  jobs:\n    nightly: {kind: unknown, cron: 0 3 * * *}\n",
            "own.yaml: schedule.jobs.nightly.kind: unknown stands for kinds of other versions, and is none to run",
        ),
        ("models:\n  serving: 3\n", "own.yaml: models.serving: needs keys under it"),
        ("llm:\n  model: gpt-4o\nserver:\n", "own.yaml: server: needs keys under it"),
        ("[server]\n", "own.yaml needs sections with keys under them"),
        ("server: {port: true}\n", f"own.yaml: server.port: {NO_NUMBER}"),
        ("trading: {fee_bps: no}\n", f"own.yaml: trading.fee_bps: {NO_NUMBER}"),
        ("indicators: {ema_periods: [9, on]}\n", f"own.yaml: indicators.ema_periods: {NO_NUMBER}"),
        ("server: &a {port: *a}\n", "own.yaml cannot be read: line 1: found unconstructable recursive node"),
        ("notices: {quiet_from: 2026-13-45}\n", "own.yaml cannot be read: month must be in 1..12"),
    ],
)
def test_a_file_is_named_with_the_place_in_it(tmp_path: Path, text: str, line: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    assert refusal(CONFIG_FILE=str(own)) == line


def test_a_number_of_thousands_of_digits_is_no_traceback(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"server: {{port: {'9' * 5_000}}}\n")
    assert refusal(CONFIG_FILE=str(own)).startswith("own.yaml cannot be read: Exceeds the limit")
