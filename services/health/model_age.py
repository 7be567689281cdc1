"""The age of models: what they were trained on may be too long ago for the market of today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.values import utc_time

MAX_AGE = timedelta(days=365)


@dataclass(frozen=True)
class AgingModel:
    """A version in production, and until when it learned.

    Attributes:
        version: Its name.
        market: What it forecasts, in words.
        shipped: Whether it came with the service.
        trained_until_ms: Close of the newest candle of its training, epoch ms; None where that is not known.
    """

    version: str
    market: str
    shipped: bool
    trained_until_ms: int | None


def age_warnings(serving: Iterable[AgingModel], now: datetime) -> list[str]:
    """Return which were trained on candles that are older than a year, and what to do.

    Those that came with the service and end at one candle are one warning.

    Args:
        serving: What is in production.
        now: Aware UTC time.
    """
    shipped, warnings = defaultdict[int, list[str]](list), list[str]()
    for model in serving:
        until_ms = model.trained_until_ms
        if until_ms is None or now - utc_time(until_ms) <= MAX_AGE:
            continue
        if model.shipped:
            shipped[until_ms].append(model.market)
        else:
            warnings.append(f"{model.version}, which serves {model.market}, was {_trained(until_ms, now)}")
    for until_ms, markets in shipped.items():
        named = f"models that come with the service ({'; '.join(markets)})"
        warnings.append(f"{named} were {_trained(until_ms, now)}")
    return warnings


def _trained(until_ms: int, now: datetime) -> str:
    last = utc_time(until_ms - 1)
    days = (now - utc_time(until_ms)).days
    return f"trained on candles up to {last:%Y-%m-%d}, {days} days ago: train one on newer candles"
