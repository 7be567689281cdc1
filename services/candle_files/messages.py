"""What was found in the content of a file, and what is asked of it."""

from __future__ import annotations

from typing import Literal

from domain.market import Timeframe
from domain.values import Frozen
from services.job_candles.series import CandleNumbers


class ReadRequest(Frozen):
    """What is to be read out of the content of a file.

    Attributes:
        name: Of the file, a hint of its market; never a path.
        now_ms: The clock: no candle opens after it.
        symbol: The market to read where there are several.
        timeframe: The timeframe to read where there are several.
        newest: Most candles to return, the newest.
        max_unpacked_bytes: More than this is not unpacked.
        max_memory_bytes: The process that reads may not take more.
    """

    name: str
    now_ms: int
    symbol: str | None
    timeframe: Timeframe | None
    newest: int
    max_unpacked_bytes: int
    max_memory_bytes: int


class FoundCandles(Frozen):
    """The candles of a file, or what has to be chosen before it can be read.

    Attributes:
        choose: What is to be named: one of the `symbols` or of the `timeframes`; None where candles were read.
        symbols: The markets as the file writes them; none where it names none.
        timeframes: The timeframes that can be chosen, or the one that was read.
        symbol: The market as this service spells it, by the file or its name; None where neither tells.
        timeframe: Of the candles; None where they were not read.
        count: Candles of the file.
        missing: Candles that lack between the first and the last.
        first_ms: Open time of the first candle, epoch ms.
        last_ms: Open time of the last candle, epoch ms.
        last_close_ms: When the last candle closes, epoch ms.
        form: Name of the export.
        columns: What is known of a candle.
        notes: What was understood or done beyond reading plain candles, in words.
        candles: The newest, oldest first.
    """

    choose: Literal["symbol", "timeframe"] | None
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    symbol: str | None = None
    timeframe: Timeframe | None = None
    count: int = 0
    missing: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    last_close_ms: int | None = None
    form: str | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    candles: tuple[CandleNumbers, ...] = ()


class Reply(Frozen):
    """The one line that the process writes: what it found, or why it refuses the content."""

    found: FoundCandles | None = None
    refusal: str | None = None
