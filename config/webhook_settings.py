"""Settings of the webhooks: who is sent signals, and how long it is tried."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.section import Count, Seconds, Secret, Section
from domain.naming.symbols import SymbolName


def _safe(url: str) -> str:
    """Refuse what would send signals readable through a foreign network, or a password with them."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("needs an address like https://example.org/signals") from None
    if parts.scheme not in {"http", "https"} or not host or any(character.isspace() for character in url):
        raise ValueError("needs an address like https://example.org/signals")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must hold no user or password: receivers check the signature instead")
    if parts.scheme == "http" and not _is_near(host):
        raise ValueError("needs https, except for this machine, private addresses and names without a dot")
    return url


def _is_near(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private


WebhookUrl = Annotated[str, AfterValidator(_safe)]


class WebhookSettings(Section):
    urls: tuple[WebhookUrl, ...]
    symbols: tuple[SymbolName, ...]
    secret: Secret = None
    timeout_seconds: Seconds
    max_attempts: Count
    retry_seconds: Seconds
    max_retry_seconds: Seconds
    max_age_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    max_waiting: Count
    claim_seconds: Seconds
    keep_days: Count

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.urls and self.secret is None:
            raise ValueError("urls need a secret to sign what is sent: set WEBHOOK_SECRET in the environment")
        if len(set(self.urls)) < len(self.urls):
            raise ValueError("urls name an address twice")
        if self.keep_days * 24 < self.max_age_hours:
            raise ValueError("keep_days must not be shorter than max_age_hours")
        return self
