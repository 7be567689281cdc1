"""Settings of the LLM: keys are secrets, each counts once, and a model's figures are decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.sources import load_settings
from domain.errors import ConfigurationError

KEYS = {"OPENAI_API_KEY": "sk-first", "OPENAI_BACKUP_API_KEYS": "sk-second, sk-first,sk-third,"}


def test_without_a_key_or_an_endpoint_there_is_no_llm() -> None:
    assert load_settings(environment={}).llm.enabled is False
    assert load_settings(environment={"OPENAI_API_KEY": ""}).llm.enabled is False
    assert load_settings(environment={"OPENAI_BASE_URL": "http://localhost:11434/v1"}).llm.enabled is True
    assert load_settings(environment=KEYS).llm.enabled is True


def test_keys_come_in_order_and_each_once() -> None:
    keys = load_settings(environment=KEYS).llm.keys
    assert [key.get_secret_value() for key in keys] == ["sk-first", "sk-second", "sk-third"]


def test_keys_are_masked_and_shown_nowhere() -> None:
    settings = load_settings(environment=KEYS)
    assert {"sk-first", "sk-second", "sk-third"} <= set(settings.secret_values())
    assert "sk-" not in repr(settings)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BACKUP_API_KEYS"])
@pytest.mark.parametrize("key", ["sk-two words", "sk-new\nline", "sk-schlüssel", '"sk-quoted"', "sk-one;sk-two"])
def test_a_key_that_fits_no_header_is_refused_without_repeating_it(name: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="printable ASCII") as caught:
        load_settings(environment={name: key})
    assert name in caught.value.message
    assert "sk-" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["http://host/v1/chat/completions", "http://host/v1/chat/completions/", "http://host/v1?api-version=1"]
)
def test_the_address_of_one_method_is_no_base_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"OPENAI_BASE_URL: .* before /chat/completions"):
        load_settings(environment={"OPENAI_BASE_URL": url})


def test_the_password_of_an_endpoint_is_masked() -> None:
    settings = load_settings(environment={"OPENAI_BASE_URL": "http://user:p%40ssword@host/v1"})
    assert {"p%40ssword", "p@ssword"} <= set(settings.secret_values())


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([[1, 2], [2]], "one organization only"),
        ([[1, 4]], "there are 3 keys, and no key 4"),
        ([[0]], "more than|at least"),
    ],
)
def test_groups_name_existing_keys_once(groups: list[list[int]], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load_settings(environment=KEYS, overrides={"llm": {"key_groups": groups}})


def test_the_rules_can_answer_for_an_llm_within_the_thirty_seconds_that_an_engine_waits() -> None:
    assert load_settings(environment={}).llm.total_timeout_seconds <= 30 - 2


def test_prices_are_exact_and_the_default_model_has_its_shutdown_date() -> None:
    llm = load_settings(environment={}).llm
    model = llm.model_settings(llm.model)
    assert model.prices is not None
    assert (model.prices.input, model.prices.cached_input, model.prices.output) == (
        Decimal("0.15"),
        Decimal("0.075"),
        Decimal("0.60"),
    )
    assert str(model.shutdown_date) == "2027-01-14"
    assert llm.model_settings(llm.fallback_models[0]).tokens_parameter == "max_completion_tokens"


def test_an_unknown_model_has_no_price_instead_of_a_price_of_nothing() -> None:
    assert load_settings(environment={}).llm.model_settings("llama3.2:3b").prices is None


def test_the_delay_between_calls_comes_from_the_environment() -> None:
    assert load_settings(environment={"OPENAI_REQUEST_DELAY": "1.5"}).llm.spacing_seconds == 1.5
