"""Forecasts of another close than the next: kept beside the ledger, and settled with the close that they mean.

Entries of the ledger state a probability of the next candle alone. What a model of a further horizon says of each
closed candle is a document of its own, which no figure of the ledger counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.analysis import DataSource
from domain.forecasting import Forecast
from domain.ledger.entries import NEXT_CANDLE
from domain.market import CandleSeries, Timeframe
from models.registry.registries import USUAL, RegistryKey
from services.ledger.settled_forecasts import SettledForecast
from services.ledger.settling.documents import WAITING
from storage.document_ports import FOLLOWED_FORECASTS, Document, DocumentStore, LastingDocuments
from utils.clock import Clock

SETTLED = "settled"
# Forecasts of a version that are read: eight symbols hourly make 70,000 in a year.
MOST = 100_000
# The same where the newest are enough: three months of eight symbols hourly.
MOST_NEWEST = 20_000


def is_followed(key: RegistryKey, horizon: int) -> bool:
    """Return whether forecasts of a model are kept here, and not in the ledger; those of plan models are in neither.

    Args:
        key: Its registry.
        horizon: Candles ahead that it forecasts.
    """
    return key.target == "close" and not (key == USUAL and horizon == NEXT_CANDLE)


def settled_forecast(_forecast: Document, close: float) -> Document:
    """Return what changes in a forecast by its close, for `DocumentSettling`."""
    return {"state": SETTLED, "close": close}


class FollowedForecasts:
    """Keeps forecasts, of each model and candle the first one."""

    def __init__(self, documents: LastingDocuments, clock: Clock) -> None:
        """Keep the store and the clock."""
        self._documents = documents
        self._clock = clock

    def keep(
        self,
        key: RegistryKey,
        said: Forecast,
        closed: CandleSeries,
        source_data: DataSource,
        production: Forecast | None = None,
    ) -> None:
        """Keep a forecast, soon.

        Args:
            key: Registry of the model.
            said: Its forecast.
            closed: Candles at whose last close it was made.
            source_data: Where they came from.
            production: Of a candidate, what the model in production says at that close.
        """
        closed_ms = closed.last_close_ms
        document = {
            "created_at": self._clock.now(),
            "model": _model(key, said.model_version),
            "state": WAITING,
            "symbol": said.symbol,
            "timeframe": said.timeframe.value,
            "horizon": said.horizon_candles,
            "closed_ms": closed_ms,
            "price": float(closed.closes[-1]),
            "probability_up": said.probability_up,
            "calibrated_at": said.calibrated_at,
            "source_data": source_data.value,
            "production": production.model_version if production else None,
            "production_up": production.probability_up if production else None,
        }
        name = _name(key, said.model_version, said.symbol, closed_ms)
        self._documents.put_later(FOLLOWED_FORECASTS, name, document, once=True)


async def kept_probability(documents: DocumentStore, key: RegistryKey, said: Forecast, closed_ms: int) -> float | None:
    """Return the probability that the version of a forecast stated at a close, None where nothing was kept.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    found = await documents.get(FOLLOWED_FORECASTS, _name(key, said.model_version, said.symbol, closed_ms))
    return None if found is None else float(found["probability_up"])


async def followed_documents(
    documents: DocumentStore, key: RegistryKey, version: str, since: datetime | None = None, most: int = MOST
) -> list[Document]:
    """Return the newest settled forecasts of a version whose price has changed, the oldest first.

    Args:
        documents: Have them.
        key: Registry of the version.
        version: Its name.
        since: Aware time; those said before are left out.
        most: Forecasts that are read.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    found = await documents.newest(FOLLOWED_FORECASTS, most, {"model": _model(key, version), "state": SETTLED})
    known = (one for one in found if since is None or one["created_at"] >= since)
    # An unchanged price is neither a rise nor a fall.
    return sorted((one for one in known if one["close"] != one["price"]), key=lambda one: one["closed_ms"])


def followed_forecast(document: Document) -> SettledForecast:
    """Return a settled forecast of `followed_documents`."""
    return SettledForecast(
        symbol=document["symbol"],
        closed_ms=document["closed_ms"],
        probability_up=document["probability_up"],
        rose=document["close"] > document["price"],
        calibrated_at=document["calibrated_at"],
    )


def apart_in_time(found: Sequence[Document]) -> list[Document]:
    """Return of each market the first forecast of each stretch of time as long as their horizon.

    Forecasts of neighboring candles share most of the move that settles them.

    Args:
        found: Forecasts of one version, as `followed_documents` gives them.
    """
    first: dict[tuple[str, int], Document] = {}
    for one in found:
        first.setdefault((one["symbol"], stretch_of(one)), one)
    return list(first.values())


def stretch_of(document: Document) -> int:
    """Return the number of the stretch of time, as long as its horizon, in which a forecast was made."""
    return int(document["closed_ms"] // (document["horizon"] * Timeframe(document["timeframe"]).ms))


def _name(key: RegistryKey, version: str, symbol: str, closed_ms: int) -> str:
    return f"{_model(key, version)} {symbol} {closed_ms}"


def _model(key: RegistryKey, version: str) -> str:
    return f"{key.name} {version}"
