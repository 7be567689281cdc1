"""From Parquet and Feather to a table."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from domain.errors import InvalidMarketData
from features.candle_reading.affixes import plain_names
from features.candle_reading.headers import Role, roles_of
from features.candle_reading.tables.raw_table import RawTable, row_place

if TYPE_CHECKING:
    from arro3.core import ChunkedArray

PARQUET, FEATHER, OLD_FEATHER = b"PAR1", b"ARROW1", b"FEA1"


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
    """Return the table of a Feather file, which is an Arrow file.

    Raises:
        InvalidMarketData: it is damaged, or of the first version of the format.
    """
    if content.startswith(OLD_FEATHER):
        raise InvalidMarketData(
            "is Feather of the first version, which is no longer written: read it with pandas and pyarrow, and write "
            "it again by DataFrame.to_feather, or as Parquet or CSV"
        )
    if not content.endswith(FEATHER):
        raise InvalidMarketData("is Feather that is cut off: copy or write it again")
    import arro3.io  # 5 MB that only this format needs

    try:
        table = arro3.io.read_ipc(io.BytesIO(content)).read_all()
        columns = {name: _arrow_column(table.column(at)) for at, name in enumerate(table.column_names)}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # its errors share no base, and its panics are no `Exception`
        raise InvalidMarketData(f"is damaged Feather ({_words(error)}): write it again") from error
    return _table(pd.DataFrame(columns), "Feather")


def _arrow_column(column: ChunkedArray) -> pd.Series:
    """Return a column with its numbers and times as pandas has them; text, dates and decimals become objects."""
    from arro3.core import DataType

    kind = column.type
    if DataType.is_timestamp(kind):
        times = [np.iinfo(np.int64).min if time is None else time for time in column.cast(DataType.int64()).to_pylist()]
        found = pd.Series(np.array(times, dtype=np.int64).view(f"M8[{kind.time_unit}]"))
        return found.dt.tz_localize("UTC") if kind.tz else found
    if DataType.is_integer(kind) or DataType.is_floating(kind):
        # Only floats can say that a number is missing.
        return pd.Series(column.to_pylist(), dtype=np.float64) if column.null_count else pd.Series(column.to_numpy())
    return pd.Series(column.to_pylist(), dtype=object)


def _table(frame: pd.DataFrame, kind: str) -> RawTable:
    frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if Role.TIME not in roles_of(names):
        # An index without a name.
        times = [at for at in range(len(names)) if pd.api.types.is_datetime64_any_dtype(frame.iloc[:, at])]
        names = [("time" if times and at == times[0] else name) for at, name in enumerate(names)]
    columns = tuple(frame.iloc[:, at].reset_index(drop=True) for at in range(len(names)))
    plain, markets = plain_names(names)
    return RawTable(columns, plain, row_place, markets=markets, kind=kind)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
