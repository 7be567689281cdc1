"""The process that reads one file: a request as a line and the content come in, a reply as a line goes out."""

from __future__ import annotations

import gc
import resource
import sys

from domain.errors import InvalidMarketData, SeveralSeries
from services.candle_files.messages import FoundCandles, ReadRequest, Reply

_COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def main() -> None:
    """Read the request and the content, and write the reply."""
    gc.disable()  # what a file makes ends with the process
    source = sys.stdin.buffer
    request = ReadRequest.model_validate_json(source.readline())
    resource.setrlimit(resource.RLIMIT_AS, (request.max_memory_bytes, request.max_memory_bytes))
    sys.stdout.write(reply_to(request, source.read()).model_dump_json())


def reply_to(request: ReadRequest, content: bytes) -> Reply:
    """Return what was found in the content, or why it is refused."""
    try:
        return Reply(found=_found(request, content))
    except SeveralSeries as several:
        if not several.symbols and not several.timeframes:
            return Reply(refusal="the file has several timeframes, none of which this service knows")
        asked = request.symbol if several.symbols else request.timeframe
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


def _found(request: ReadRequest, content: bytes) -> FoundCandles:
    # Here, so that the limit of memory is set before pandas begins.
    import numpy as np

    from domain.naming.symbols import spelling
    from features.candle_reading.reading import read_content
    from features.candle_reading.tables.content import unpacked
    from services.job_candles.series import candle_rows

    read = read_content(
        unpacked(content, request.max_unpacked_bytes), request.name, request.now_ms, request.symbol, request.timeframe
    )
    series, market = read.series, request.symbol or read.symbol or read.named
    rows = candle_rows(series.tail(request.newest))
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
