"""Settings of what is told without asking: reports, notices to operators, signals to webhooks."""

from __future__ import annotations

from datetime import time
from ipaddress import ip_address
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from config.section import Count, NotNegative, Positive, Seconds, Secret, Section
from domain.naming.symbols import SymbolName
from domain.reports import ReportKind
from domain.values import Share, TextForm

PeerUrl = Annotated[
    str,
    TextForm(
        r"^(https?://[^\s/@]+(/[^\s]*)?|tcp://[^\s/@:]+:[0-9]{1,5})$",
        "needs http://…, https://… or tcp://host:port, without a user",
    ),
]


def _hour(value: Any) -> Any:
    """Accept 22:00, which YAML 1.1 reads as a number of base 60, and an empty text for no time."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    return None if value == "" else value


HourOfDay = Annotated[time | None, BeforeValidator(_hour)]


class ReportSettings(Section):
    """When figures are worth a warning. Shares are 0 to 1; costs are judged by `llm.budgets`."""

    keep_days: Count
    always_notify: tuple[ReportKind, ...]
    peers: tuple[PeerUrl, ...]
    peer_timeout_seconds: Seconds
    disk_warning_share: Share
    disk_critical_share: Share
    memory_warning_share: Share
    memory_critical_share: Share
    performance_days: Annotated[int, Field(ge=1, le=400)]
    least_results: Annotated[int, Field(ge=30)]
    win_rate_target: Share
    win_rate_critical: Share
    sharpe_target: Annotated[float, Field(allow_inf_nan=False)]
    sharpe_critical: Annotated[float, Field(allow_inf_nan=False)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("disk", "memory"):
            if getattr(self, f"{name}_critical_share") > getattr(self, f"{name}_warning_share"):
                raise ValueError(f"{name}_critical_share must not be above {name}_warning_share")
        for name in ("win_rate", "sharpe"):
            if getattr(self, f"{name}_critical") > getattr(self, f"{name}_target"):
                raise ValueError(f"{name}_critical must not be above {name}_target")
        return self


class NoticeSettings(Section):
    """Where notices go, and how often; `urls` are addresses of apprise, which hold secrets."""

    urls: tuple[SecretStr, ...] = ()
    repeat_minutes: NotNegative
    quiet_from: HourOfDay
    quiet_until: HourOfDay
    max_waiting: Count
    max_attempts: Count
    retry_seconds: Seconds
    timeout_seconds: Seconds
    keep_days: Count

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet hours need both quiet_from and quiet_until, or neither")
        return self


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
    max_age_hours: Positive
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
