"""Settings of the LLM: keys, models with parameters and prices, budgets. Prices are USD per 1 M tokens."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.section import Count, HttpUrl, NotNegative, Seconds, Secret, Section
from domain.values import TextForm

Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
ModelId = Annotated[
    str,
    TextForm(r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$", "needs the name of a model, such as gpt-4o-mini or qwen3:8b"),
]
TokensParameter = Literal["max_tokens", "max_completion_tokens"]
# Shorter ones are words, such as ollama, that an endpoint without keys takes for one, and that replies contain.
LEAST_SECRET = 16
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high"]
# No key has these: they come with a line of a `.env` file, or a list.
_AROUND_KEYS = "\"',;"


def _fits_a_header(key: SecretStr | None) -> SecretStr | None:
    """Refuse a key that does not fit into `Authorization: Bearer …`; the message repeats no part of it."""
    text = key.get_secret_value() if key else ""
    if not all("!" <= character <= "~" and character not in _AROUND_KEYS for character in text):
        raise ValueError("a key needs printable ASCII characters without spaces, quotes, commas and semicolons")
    return key


def _ends_before_the_path(url: str) -> str:
    """Refuse the address of one method of the API: its path is added to this one."""
    if "?" in url or "#" in url or url.rstrip("/").endswith("/chat/completions"):
        raise ValueError("needs the address before /chat/completions, without ? and #, such as https://host/v1")
    return url


class TokenPrices(Section):
    """Prices of a model in USD per 1 M tokens."""

    input: Money
    cached_input: Money
    output: Money


class LlmModelSettings(Section):
    """Request parameters and prices of a model; the defaults apply to models without an entry.

    A temperature or reasoning effort of None is not sent. Without prices the cost of a call is unknown.
    """

    tokens_parameter: TokensParameter = "max_tokens"
    temperature: Annotated[float | None, Field(ge=0, le=2)] = 0
    reasoning_effort: ReasoningEffort | None = None
    prices: TokenPrices | None = None
    shutdown_date: date | None = None


class LlmRestSettings(Section):
    """How long a key is not used after an error, by the kind of error."""

    quota_seconds: Seconds
    rate_limit_seconds: Seconds
    max_rate_limit_seconds: Seconds
    trouble_seconds: Seconds
    max_trouble_seconds: Seconds


class LlmBudgetSettings(Section):
    """Limits in USD per UTC day and calendar month; None: no such limit."""

    daily_warning_usd: Money | None = None
    daily_stop_usd: Money | None = None
    monthly_warning_usd: Money | None = None
    monthly_stop_usd: Money | None = None


class LlmSettings(Section):
    api_key: Annotated[Secret, AfterValidator(_fits_a_header)] = None
    backup_keys: tuple[Annotated[SecretStr, AfterValidator(_fits_a_header)], ...] = ()
    key_groups: tuple[tuple[Count, ...], ...] = ()
    base_url: Annotated[HttpUrl, AfterValidator(_ends_before_the_path)] = ""
    model: ModelId
    fallback_models: tuple[ModelId, ...] = ()
    max_output_tokens: Count
    total_timeout_seconds: Seconds
    call_timeout_seconds: Seconds
    spacing_seconds: NotNegative
    max_reply_bytes: Annotated[int, Field(ge=4096)]
    rests: LlmRestSettings
    prices_as_of: date | None = None
    models: dict[ModelId, LlmModelSettings]
    ask_about_synthetic: bool
    usd_to_vnd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    budgets: LlmBudgetSettings
    keep_calls_days: Count
    keep_replies_days: Count

    @model_validator(mode="after")
    def _groups_name_keys_once(self) -> LlmSettings:
        numbers = [number for group in self.key_groups for number in group]
        if len(numbers) != len(set(numbers)):
            raise ValueError("key_groups: a key belongs to one organization only")
        if self.keys and max(numbers, default=0) > len(self.keys):
            raise ValueError(f"key_groups: there are {len(self.keys)} keys, and no key {max(numbers)}")
        return self

    @property
    def keys(self) -> tuple[SecretStr, ...]:
        """Return the keys, each once: a key given twice would be called twice as often as it may be."""
        given = [self.api_key] if self.api_key else []
        return tuple({key.get_secret_value(): key for key in [*given, *self.backup_keys]}.values())

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """Return the keys that a reply does not contain by chance."""
        keys = (key.get_secret_value() for key in self.keys)
        return tuple(key for key in keys if len(key) >= LEAST_SECRET)

    @property
    def enabled(self) -> bool:
        """Whether an LLM can be asked: there is a key, or a base URL whose endpoint may need none."""
        return bool(self.keys or self.base_url)

    def model_settings(self, model: str) -> LlmModelSettings:
        """Return the parameters and prices of a model, defaults where it has no entry."""
        return self.models.get(model) or LlmModelSettings()
