"""`replay`: what would have been said at a moment of the past, beside what was said then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from commands.candles.reading import market_name, read_series
from commands.console import show, working
from commands.ledger.entries import entry_document
from commands.options import Json, timeframes_of
from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe
from domain.values import FIRST_MS, epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from services.ledger.replays.replays import Replay, ReplayQuery, Replays


def replay(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Market, such as BTCUSDT.")],
    as_of: Annotated[str, typer.Option(help="The moment: ISO, UTC where it has no offset, or epoch milliseconds.")],
    timeframes: Annotated[
        str | None, typer.Option(help="To be read, such as 1h,4h; those of the settings by default.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="File of candles; else stored ones, else those of sources.")] = None,
    as_json: Json = False,
) -> None:
    """Answer from the candles known at a moment, by the model in production then, beside what was said."""
    settings = load_settings()
    moment_ms, wanted = _moment_ms(as_of), timeframes_of(timeframes)
    market = market_name(symbol)
    with working() as now:
        now(f"reading the candles of {market}")
        found = asyncio.run(_replay(settings, market, moment_ms, wanted, file))
    show(_document(found), _tables(found), as_json)


async def _replay(
    settings: Settings, symbol: str, as_of_ms: int, timeframes: tuple[Timeframe, ...], file: Path | None
) -> Replay:
    from services.ledger.replays.replays import ReplayQuery
    from services.market_data.replays import replayed_market

    query: ReplayQuery = ReplayQuery(symbol, as_of_ms, timeframes)
    if file is not None:
        series = await asyncio.to_thread(_of_file, file, symbol, timeframes)
        now_ms = epoch_ms(SystemClock().now())
        query = ReplayQuery(symbol, as_of_ms, timeframes, replayed_market(symbol, series, as_of_ms, now_ms))
    async with _opened(settings) as replays:
        return await replays.replay(query)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Replays]:
    """Give replays on the configured store and sources; nothing is written."""

    from features.indicators.technical_indicators import TechnicalIndicators
    from models.serving.served_models import ServedModels
    from rules.technical import TechnicalAnalyst
    from services.broadcast.hub import SignalHub
    from services.evidence.file import open_weigher
    from services.evidence.in_use import EvidenceInUse
    from services.forecasts.opening import count_load_failure, open_forecasting
    from services.forecasts.past_models import PastModels
    from services.guards.disabled import Disabled
    from services.guards.given_sides import GivenSides
    from services.guards.guards import Guards
    from services.guards.safe_mode import SafeMode
    from services.ledger.replays.past_candles import PastCandles
    from services.ledger.replays.replayer import Replayer
    from services.ledger.replays.replays import Replays
    from services.market_data.market_data import MarketData
    from services.market_data.sources.opening import open_sources
    from services.market_reader import MarketReader
    from storage.factory import build_engine_candles, open_stores
    from utils.concurrency import worker_threads
    from utils.http_client import http_client

    clock, symbols, seconds = SystemClock(), settings.analysis.symbols, settings.models.serving.reload_seconds
    async with AsyncExitStack() as stack:
        opened, entered = stack.enter_async_context, stack.enter_context
        store, documents, ledger = await opened(open_stores(settings.storage))
        client = await opened(http_client(timeout=settings.market_data.timeout_seconds, follow_redirects=False))
        engine = partial(build_engine_candles, settings.storage)
        sources = await opened(open_sources(settings.market_data, symbols, store, client, clock, engine))
        market_data = MarketData(sources, settings.market_data, settings.analysis.min_candles, symbols, clock)
        served = ServedModels.of(settings, count_load_failure)
        forecasting = entered(open_forecasting(served, settings, store, clock))
        reader = MarketReader(
            TechnicalIndicators(settings.indicators),
            forecasting,
            settings.analysis,
            EvidenceInUse(open_weigher(settings.trading)),
            clock,
            entered(worker_threads(1, "analysis")),
        )
        # A replay asks no guard that has a memory, and safe mode is not of its time.
        hub = SignalHub(settings.websocket.max_buffered_bytes)
        given = GivenSides(documents, clock, settings.guards.open_candles)
        safe_mode, disabled = SafeMode(documents, hub, clock), Disabled(documents, hub, clock)
        guards = Guards(safe_mode, disabled, given, settings.guards, settings.analysis.min_candles)
        replayer = Replayer(reader, PastModels(served.registries, forecasting, seconds), TechnicalAnalyst())
        yield Replays(replayer, PastCandles(store, market_data, settings, clock), guards, ledger, documents)


def _of_file(file: Path, symbol: str, timeframes: tuple[Timeframe, ...]) -> dict[Timeframe, CandleSeries]:
    """Return the candles of a file, and those of longer timeframes made from them.

    Raises:
        InvalidRequest: none of the wanted timeframes can be made.
    """
    from services.market_data.longer_timeframes import higher_timeframes

    frames = higher_timeframes(read_series(file, None, symbol).series)
    chosen = {timeframe: series for timeframe, series in frames.items() if not timeframes or timeframe in timeframes}
    if not chosen:
        raise InvalidRequest(f"{file.name} gives candles of {', '.join(frames)}: --timeframes names none of them")
    return chosen


def _moment_ms(text: str) -> int:
    if text.isdecimal() and len(text) <= 15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"--as-of {text}: needs a time such as 2022-03-01T12:00, or epoch milliseconds") from None
    moment_ms = epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if moment_ms < FIRST_MS:
        raise InvalidRequest(f"--as-of {text} is before the first time that candles have")
    return moment_ms


def _document(found: Replay) -> dict[str, Any]:
    return {
        **found.analysis.model_dump(mode="json"),
        "model_version": found.model_version,
        "recorded": [entry_document(record) for record in found.recorded],
        "differences": [
            {"entry_id": one.entry_id, "lane": one.lane.value, "fields": [dict(vars(field)) for field in one.fields]}
            for one in found.differences
        ],
        "further": [
            {
                "horizon_candles": one.horizon_candles,
                "version": one.version,
                "probability_up": dict(vars(one.probability_up)),
            }
            for one in found.further
        ],
    }


def _tables(found: Replay) -> Group:
    from services.reports.analysis_report import render_report

    facts = Table(show_header=False, min_width=60)
    facts.add_row("as of", f"{found.analysis.as_of:%Y-%m-%d %H:%M:%S} UTC")
    facts.add_row("candles", found.analysis.source_data.value)
    facts.add_row("model of then", found.model_version or "none: the rules answer alone")
    facts.add_row("entries of that candle", f"{len(found.recorded)}")
    compared = Table("entry", "field", "said", "replayed", "difference", title="What was said, and the replay")
    for one in found.differences:
        for field in one.fields:
            if field.recorded is not None or field.replayed is not None:
                size = "" if field.difference is None else f"{field.difference:+.4g}"
                compared.add_row(one.entry_id, field.field, _shown(field.recorded), _shown(field.replayed), size)
    for ahead in found.further:
        said, gap = ahead.probability_up, ahead.probability_up.difference
        named = f"{ahead.version}, {ahead.horizon_candles} candles ahead"
        shown = _shown(said.recorded), _shown(said.replayed), "" if gap is None else f"{gap:+.4g}"
        compared.add_row(named, said.field, *shown)
    return Group(render_report(found.analysis), facts, *([compared] if compared.row_count else []))


def _shown(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.8g}"
