"""A service in the past, for the pictures of the page: its clock shows 21 November 2024, its candles are real.

It reads an exchange on loopback that has the hours of eight coins, none before it has closed by the service's clock.
Its model was trained on the hours before the first answer. Its ledger holds what it answered at every hour of twenty
days, settled by the hours after each answer: nothing in it is invented.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import uvicorn

from api.app import create_app
from api.server.serving import server_config
from config.settings import Settings
from config.sources import load_settings
from container import build_container
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from features.candle_reading.reading import read_candles
from models.training.training_run import TrainingRequest
from servers.process import free_port
from services.training.managers import open_manager
from tests.fixtures.http_stand_in import Answer, Request, http_stand_in, kline

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ADAUSDT", "DOTUSDT", "XRPUSDT", "LINKUSDT")
# Chosen for its trends, before it was known how the signals of these days ended; prices rise much in it.
END = datetime(2024, 11, 21, 12, tzinfo=UTC)
DAYS = 20
FIRST = END - timedelta(days=DAYS)
# An answer is given this long after the close of a candle.
ANSWERED_AFTER = timedelta(seconds=20)
# Hours that the model is trained on: two years.
TRAINED_HOURS = 17_520
KEPT_HOURS = TRAINED_HOURS + DAYS * 24


class PastClock:
    """A clock that goes on from the moment it was set to."""

    def __init__(self, moment: datetime) -> None:
        self.set(moment)

    def set(self, moment: datetime) -> None:
        """Go on from an aware UTC time."""
        self._moment, self._since = moment, time.monotonic()

    def now(self) -> datetime:
        """Return the aware UTC time that it shows."""
        return self._moment + timedelta(seconds=time.monotonic() - self._since)


class PastExchange:
    """Answers `/api/v3/klines` as Binance did: with candles of an hour and longer that had closed by a clock."""

    def __init__(self, hours: dict[str, CandleSeries], clock: PastClock) -> None:
        self._clock = clock
        self._series = {
            (symbol, timeframe): series if timeframe is Timeframe.H1 else series.resample(timeframe)
            for symbol, series in hours.items()
            for timeframe in (Timeframe.H1, Timeframe.H4, Timeframe.D1)
        }

    def answer(self, request: Request) -> Answer:
        """Return the newest candles of a market, or the first ones of a range."""
        wanted, timeframe = request.query, Timeframe(request.query["interval"])
        series = self._series.get((wanted["symbol"], timeframe), CandleSeries(timeframe, []))
        closed, limit = series.closed_by(epoch_ms(self._clock.now())), int(wanted["limit"])
        if "startTime" in wanted:
            start_ms, end_ms = int(wanted["startTime"]), int(wanted["endTime"])
            candles = [candle for candle in closed.candles if start_ms <= candle.timestamp <= end_ms][:limit]
        else:
            candles = list(closed.tail(limit).candles)
        return Answer.of([kline(candle, timeframe) for candle in candles])


@contextmanager
def past_service(folder: Path) -> Iterator[tuple[str, PastClock]]:
    """Train, answer for twenty days, and serve; yield the address of the service and its clock.

    Args:
        folder: For its database and its model.
    """
    clock = PastClock(FIRST)
    hours = {symbol: _hours(symbol) for symbol in SYMBOLS}
    with http_stand_in() as stand_in:
        stand_in.answer = PastExchange(hours, clock).answer
        settings = _settings(folder, stand_in.url)
        print(f"training on the {TRAINED_HOURS} hours of each market before {FIRST:%Y-%m-%d %H:%M}", flush=True)
        _train(settings, hours, clock)
        asyncio.run(_answer_every_hour(settings, clock))
        with _served(settings, clock) as url:
            yield url, clock


def _hours(symbol: str) -> CandleSeries:
    read = read_candles(DATA / f"{symbol}-1h.csv.gz", time.time_ns() // 1_000_000)
    return read.series.closed_by(epoch_ms(END)).tail(KEPT_HOURS)


def _settings(folder: Path, exchange: str) -> Settings:
    return load_settings(
        environment={
            "PORT": str(free_port()),
            "DATABASE_URL": f"sqlite:///{folder}/past.db",
            "STORAGE__SPOOL_PATH": f"{folder}/spool",
            "MODEL_SAVE_PATH": f"{folder}/models",
            "MODELS__SHIPPED": "false",
            "ANALYSIS_SYMBOLS": ",".join(SYMBOLS),
            "PERIODIC__PAUSE_SECONDS": "0",
            "SCHEDULE__ENABLED": "false",
            "LEDGER__SETTLE_SECONDS": "5",
            "MARKET_DATA_SOURCES": "stored,binance",
            "MARKET_DATA__TIMEFRAMES": "1h,4h",
            "MARKET_DATA__BINANCE_URL": exchange,
            "ADMIN_TOKEN": "token-of-the-pictures",
            "RATE_LIMITS": "off",
            # A slow machine waits, and takes the same pictures.
            "STORAGE__TIMEOUT_MS": "60000",
            "MARKET_DATA__TIMEOUT_SECONDS": "60",
        }
    )


def _train(settings: Settings, hours: dict[str, CandleSeries], clock: PastClock) -> None:
    """Train a booster of all markets on the candles before the first answer; the gate decides whether it serves."""
    before = {symbol: series.closed_by(epoch_ms(FIRST)) for symbol, series in hours.items()}
    manager = open_manager(settings.models, settings.features, settings.indicators.atr_period, clock.now)
    manager.train(TrainingRequest(ModelType.LIGHTGBM, ANY_SYMBOL, Timeframe.H1), before, lambda _: None)


async def _answer_every_hour(settings: Settings, clock: PastClock) -> None:
    """Let the service analyze every market at each full hour, as its loop does; the hours after settle the answers."""
    async with build_container(settings, clock=clock) as container:
        for hour in range(DAYS * 24 + 1):
            clock.set(FIRST + timedelta(hours=hour) + ANSWERED_AFTER)
            for symbol in SYMBOLS:
                await container.answers.analysis.refresh(symbol)
            if hour % 24 == 0:
                print(f"answered until {clock.now():%Y-%m-%d %H:%M}", flush=True)
        while (due_ms := (await container.base.stores.ledger.size()).oldest_due_ms) and due_ms <= epoch_ms(clock.now()):
            await asyncio.sleep(1)


@contextmanager
def _served(settings: Settings, clock: PastClock) -> Iterator[str]:
    app = create_app(settings, partial(build_container, clock=clock))
    server = uvicorn.Server(server_config(app, settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the service ended: its output says why")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{settings.server.port}"
    finally:
        server.should_exit = True
        thread.join()
