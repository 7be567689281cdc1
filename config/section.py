"""The frozen base of every settings section, and the types that several sections use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

_HTTP_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


def _on_off(value: Any) -> Any:
    """Accept on and off, in any case, from YAML and the environment."""
    if isinstance(value, str) and value.lower() in {"on", "off"}:
        return value.lower() == "on"
    return value


def _no_empty_secret(value: Any) -> Any:
    """Treat an empty environment variable as a secret that is not configured."""
    return None if value == "" else value


def percent_encoded(url: SecretStr) -> SecretStr:
    """Refuse what a password with a slash or a bracket makes of a URL, whose parser would name a part of it."""
    try:
        urlsplit(url.get_secret_value()).port  # noqa: B018 - it raises where there is no port after the colon
    except ValueError:
        message = "needs user and password percent-encoded, such as %2F for / and %5B for ["
        raise PydanticCustomError("not_encoded", message) from None
    return url


def _amqp(value: SecretStr | None) -> SecretStr | None:
    """Refuse what names no broker, without repeating it: it holds a password."""
    if value is not None and not value.get_secret_value().startswith(("amqp://", "amqps://")):
        raise PydanticCustomError("no_amqp_url", "needs a URL such as amqp://user:password@host:5672//")
    return value and percent_encoded(value)


def each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names the same twice."""
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise PydanticCustomError("twice", "needs each once, {twice} is there twice", {"twice": ", ".join(twice)})
    return values


def _http_url(value: str) -> str:
    """Refuse what is no address, without repeating it: it may hold a password."""
    try:
        # The port is read here: one that is no number from 0 to 65535 raises.
        fits = not value or (_HTTP_URL.fullmatch(value) and urlsplit(value).port != 0 and urlsplit(value).hostname)
    except ValueError:
        fits = False
    if not fits:
        raise PydanticCustomError("no_http_url", "needs a URL such as http://host:8080, or nothing")
    return value


Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# Shares of a whole, each with its ends: above 0 and below 1, and above 0; `domain.values.Share` has both ends.
Part = Annotated[float, Field(gt=0, lt=1)]
SomeShare = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Switch = Annotated[bool, BeforeValidator(_on_off)]
Secret = Annotated[SecretStr | None, BeforeValidator(_no_empty_secret)]
AmqpUrl = Annotated[Secret, AfterValidator(_amqp)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Section(BaseModel):
    """Base of every section: unknown keys stop the start, and values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse `no` and `true`, which would count as 0 and 1."""
        if (
            info.field_name is not None
            and _holds_switch(value)
            and _numeric(cls.model_fields[info.field_name].annotation)
        ):
            raise PydanticCustomError("no_number", "needs a number: yes, no, on, off, true and false are none")
        return value


def _holds_switch(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    return any(map(_holds_switch, value)) if isinstance(value, list | tuple) else isinstance(value, bool)


def _numeric(kind: Any) -> bool:
    """Return whether a type takes numbers, alone or in a list or mapping."""
    return kind in {int, float} or any(map(_numeric, get_args(kind)))


def over(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with other values over it, key by key at every depth."""
    merged = dict(base)
    for key, value in values.items():
        below = merged.get(key)
        merged[key] = over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
