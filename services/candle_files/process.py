"""The process that reads one file: a wish as a line and the content come in, a reply as a line goes out."""

from __future__ import annotations

import resource
import sys

from domain.errors import InvalidMarketData, SeveralSeries
from services.candle_files.found import FileWish, FoundCandles, Reply

_COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def main() -> None:
    """Read the wish and the content, and write the reply."""
    source = sys.stdin.buffer
    wish = FileWish.model_validate_json(source.readline())
    resource.setrlimit(resource.RLIMIT_AS, (wish.max_memory_bytes, wish.max_memory_bytes))
    sys.stdout.write(reply_to(wish, source.read()).model_dump_json())


def reply_to(wish: FileWish, content: bytes) -> Reply:
    """Return what was found in the content, or why it is refused."""
    try:
        return Reply(found=_found(wish, content))
    except SeveralSeries as several:
        if not several.symbols and not several.timeframes:
            return Reply(refusal="the file has several timeframes, none of which this service knows")
        asked = wish.symbol if several.symbols else wish.timeframe
        if asked is not None:
            kinds = ", ".join(several.symbols or several.timeframes)
            return Reply(refusal=f"the file has no candles of {asked}; it has {kinds}")
        choose = "symbol" if several.symbols else "timeframe"
        return Reply(
            found=FoundCandles.model_validate(
                {"choose": choose, "symbols": several.symbols, "timeframes": several.timeframes}
            )
        )
    except InvalidMarketData as error:
        told = error.message
        return Reply(refusal=f"the file {told}" if told.startswith(("is ", "has ", "holds ")) else told)
    except MemoryError:
        return Reply(refusal="the file takes too much memory to be read: split it by years")


def _found(wish: FileWish, content: bytes) -> FoundCandles:
    # Here, so that the limit of memory is set before pandas begins.
    import numpy as np

    from domain.naming.file_names import file_market
    from domain.naming.symbols import spelling
    from features.candle_reading.reading import read_content
    from features.candle_reading.tables.content import unpacked
    from services.job_candles.order import candle_rows

    read = read_content(unpacked(content, wish.max_unpacked_bytes), wish.name, wish.now_ms, wish.symbol, wish.timeframe)
    series, market = read.series, wish.symbol or read.symbol or file_market(wish.name).symbol
    rows = candle_rows(series.tail(wish.newest))
    known = _COLUMNS[:-1] if np.isnan(series.values[:, -1]).all() else _COLUMNS
    return FoundCandles(
        choose=None,
        symbols=(read.symbol,) if read.symbol else (),
        timeframes=(series.timeframe,),
        symbol=market and spelling(market),
        timeframe=series.timeframe,
        count=len(series),
        missing=series.missing,
        first_ms=int(series.times_ms[0]),
        last_ms=series.last_open_ms,
        last_close_ms=int(series.closes_ms[-1]),
        form=read.form,
        columns=known,
        notes=read.notes,
        candles=rows,
    )


if __name__ == "__main__":
    main()
