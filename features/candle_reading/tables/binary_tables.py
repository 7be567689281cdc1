"""From Parquet and Feather to a table."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from domain.arrays import IntArray
from domain.errors import InvalidMarketData
from features.candle_reading.affixes import plain_names
from features.candle_reading.headers import Role, roles_of
from features.candle_reading.tables.raw_table import RawTable, row_place

if TYPE_CHECKING:
    from arro3.core import ChunkedArray, RecordBatchReader

PARQUET, FEATHER, OLD_FEATHER = b"PAR1", b"ARROW1", b"FEA1"


def parquet_table(content: bytes) -> RawTable:
    """Return the table of a Parquet file.

    Raises:
        InvalidMarketData: it is damaged.
    """
    if not content.endswith(PARQUET):
        raise InvalidMarketData("is Parquet that is cut off: copy or write it again")
    import arro3.io  # 5 MB that only these formats need

    return _arrow_table(arro3.io.read_parquet, content, "Parquet")


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
    import arro3.io

    return _arrow_table(arro3.io.read_ipc, content, "Feather")


def _arrow_table(reader: Callable[[io.BytesIO], RecordBatchReader], content: bytes, kind: str) -> RawTable:
    try:
        table = reader(io.BytesIO(content)).read_all()
        columns: dict[str, pd.Series] = {}
        for at, name in enumerate(table.column_names if len(table) else ()):
            columns |= _arrow_columns(name, table.column(at))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # its errors share no base, and its panics are no `Exception`
        raise InvalidMarketData(f"is damaged {kind} ({_words(error)}): write it again") from error
    if not len(table):
        raise InvalidMarketData("has no rows of candles: export it again")
    names = list(columns)
    if Role.TIME not in roles_of(names):
        # An index without a name.
        times = [name for name, column in columns.items() if pd.api.types.is_datetime64_any_dtype(column.dtype)]
        names = ["time" if name in times[:1] else name for name in names]
    plain, markets = plain_names(names)
    return RawTable(tuple(columns.values()), plain, row_place, markets=markets, kind=kind)


def _arrow_columns(name: str, column: ChunkedArray) -> dict[str, pd.Series]:
    """Return a column by its name; each field of a struct is a column, `ohlc.open`."""
    from arro3.core import DataType

    if not DataType.is_struct(column.type):
        return {name: _arrow_column(column)}
    fields = pd.DataFrame([fields or {} for fields in column.to_pylist()])
    return {f"{name}.{field}": fields[field] for field in fields.columns}


def _arrow_column(column: ChunkedArray) -> pd.Series:
    """Return a column with its numbers and times as pandas has them; text, dates and decimals become objects."""
    from arro3.core import DataType

    kind = column.type
    if DataType.is_timestamp(kind):
        times = _arrow_times(column.cast(DataType.int64()))
        found = pd.Series(times.view(f"M8[{kind.time_unit}]"))
        return found.dt.tz_localize("UTC") if kind.tz else found
    if DataType.is_integer(kind) or DataType.is_floating(kind):
        # Only floats can say that a number is missing.
        return pd.Series(column.to_pylist(), dtype=np.float64) if column.null_count else pd.Series(column.to_numpy())
    return pd.Series(column.to_pylist(), dtype=object)


def _arrow_times(column: ChunkedArray) -> IntArray:
    """Return whole numbers, the least one, which is that of no time for NumPy, where one is missing."""
    if not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.int64)
    none = np.iinfo(np.int64).min
    return np.array([none if time is None else time for time in column.to_pylist()], dtype=np.int64)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
