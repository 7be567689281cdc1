"""From Parquet and Feather to a table."""

from __future__ import annotations

import io
from importlib.util import find_spec

import pandas as pd

from domain.errors import InvalidMarketData
from features.candle_reading.headers import Role, roles_of
from features.candle_reading.tables.raw_table import RawTable, row_place

PARQUET, FEATHERS = b"PAR1", (b"ARROW1", b"FEA1")


def parquet_table(content: bytes) -> RawTable:
    """Return the table of a Parquet file.

    Raises:
        InvalidMarketData: it is damaged.
    """
    import fastparquet  # a tenth of a second that only this format needs

    if not content.endswith(PARQUET):  # its library must not see a file that is cut off: it would read beyond its end
        raise InvalidMarketData("is Parquet that is cut off: copy or write it again")
    try:
        frame: pd.DataFrame = fastparquet.ParquetFile(io.BytesIO(content)).to_pandas()
    except Exception as error:  # its errors share no base
        raise InvalidMarketData(f"is damaged Parquet ({_words(error)}): write it again") from error
    return _table(frame, "Parquet")


def feather_table(content: bytes) -> RawTable:
    """Return the table of a Feather file, where its library is installed.

    Raises:
        InvalidMarketData: the library is missing, or the file is damaged.
    """
    if find_spec("pyarrow") is None:
        raise InvalidMarketData(
            "is Feather, which needs a library that is not installed: run `pip install pyarrow`, or write the candles "
            "as Parquet or CSV (freqtrade: convert-data --format-from feather --format-to json)"
        )
    try:
        frame = pd.read_feather(io.BytesIO(content))
    except Exception as error:  # its errors share no base
        raise InvalidMarketData(f"is damaged Feather ({_words(error)}): write it again") from error
    return _table(frame, "Feather")


def _table(frame: pd.DataFrame, kind: str) -> RawTable:
    frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if Role.TIME not in roles_of(names):
        # An index without a name.
        times = [at for at in range(len(names)) if pd.api.types.is_datetime64_any_dtype(frame.iloc[:, at])]
        names = [("time" if times and at == times[0] else name) for at, name in enumerate(names)]
    columns = tuple(frame.iloc[:, at].reset_index(drop=True) for at in range(len(names)))
    return RawTable(columns, tuple(names), row_place, kind=kind)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
