"""From text to numbers: decimal commas, thousands, currencies and the K, M, B of volumes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, FloatArray
from domain.errors import InvalidMarketData
from domain.naming.symbols import FIAT

# Of money: signs, and what stands before or behind a number.
SIGN = r"(?:R|US|C|A|HK|NT|S|MX)?[$€£¥₹₩₽₺₿₪₫฿₴₦₱₸₾]"
PREFIX = "|".join(sorted(FIAT)) + r"|Rs\.?"
UNIT = r"[A-Z]{3,5}|kr\.?|zł|Kč|Ft|lei|元|円|원|руб\.?"  # noqa: RUF001 - Russian
# What stands behind a number for its size, by powers of ten.
_SIZES_OF_POWERS = {
    3: "K 千 ТЫС ТЫС.",
    4: "万",
    5: "L",
    6: "M MM MN MIO MIO. МЛН МЛН.",
    7: "CR",
    8: "亿 億",
    9: "B BN MRD MRD. МЛРД МЛРД.",
    12: "T",
}
_EXPONENTS = {size: f"e{power}" for power, sizes in _SIZES_OF_POWERS.items() for size in sizes.split()}
SIZE = "|".join(sorted(map(re.escape, _EXPONENTS), key=len, reverse=True))
# An apostrophe separates thousands, or makes a cell text; 112'16 has parts of 32.
_SPACES_AND_SIGNS = rf"{SIGN}|[\s\u00a0\u202f]+|^['\u2019]|['\u2019](?=\d{{3}}(?!\d)|$)"
# Before or behind a number, as 42000.5 USDT; what stands alone, as NaN or NULL, stays.
_CURRENCY = rf"(?<=[\d.KMB])(?:{UNIT})$|^(?:{PREFIX})(?=[-+]?\d)"
_WORDS_FOR_NOTHING = (
    "nan null none na n/a n.a. #n/a <na> nat nd k.a. н/д undefined nil (null) \\n - -- --- \u2013 \u2014 . .. "
    "#value! #div/0! #ref!"
)
_NOTHING = frozenset(("", *_WORDS_FOR_NOTHING.split()))
# Of bonds: 112'165 is 112 and 16.5 parts of 32. Fewer cells than this may be thousands by chance.
_PARTS_OF_32 = r"\d{1,3}['\u2019](?:[0-2]\d|3[01])[0257]"
_FEWEST_CELLS = 10
# A longer cell is no number.
_LONGEST = 100
# Points that separate thousands, in 1.234.567 surely.
_POINTED_MILLIONS, _POINTED_THOUSANDS = r"[-+]?\d{1,3}(?:\.\d{3}){2,}", r"[-+]?\d{1,3}(?:\.\d{3})+"
# What separates columns where a comma is a decimal comma, and where it is not.
_OF_NO_COUNTRY = {"\t", "|", " "}


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Attributes:
        floats: n numbers, NaN where the cell is empty or no number.
        wrong: n flags, true where the cell has text that is no number.
    """

    floats: FloatArray
    wrong: BoolArray


def is_text(column: pd.Series) -> bool:
    """Return whether cells still have to be read as text."""
    return not pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_datetime64_any_dtype(column.dtype)


def has_decimal_comma(columns: Sequence[pd.Series], delimiter: str, volumes: Sequence[pd.Series] = ()) -> bool:
    """Return whether a comma in these columns of prices is a decimal comma.

    A cell with both marks tells, so does a comma that is not followed by three digits, or a zero before it. Where all
    could be either, as 151,234, such cells of the volumes tell, or else it is a decimal comma if something else than a
    comma separates the columns: who has decimal commas cannot separate by them.

    Args:
        columns: Of prices.
        delimiter: What separates the columns, empty where nothing does.
        volumes: The column of volumes, or none.
    """
    commas = list(filter(len, map(_with_commas, columns)))
    for text in [*commas, *(_with_commas(column) for column in volumes if commas)]:
        if (proof := _proves_decimal_comma(text)) is not None:
            return proof
    return bool(commas) and delimiter not in {"", ","}


def _with_commas(column: pd.Series) -> pd.Series:
    """Return the cells of a column that have a comma before their last digit, to that digit."""
    if not is_text(column):
        return column.iloc[:0].astype(str)
    text = column.dropna().astype(str)
    text = text[text.str.contains(",", regex=False)].str.replace(r"\D+$", "", regex=True)  # 1,2 Mio.
    return text[text.str.contains(",", regex=False)].str.strip()


def _proves_decimal_comma(text: pd.Series) -> bool | None:
    """Return what cells with a comma prove, None where they prove nothing."""
    both = text[text.str.contains(".", regex=False)]
    if not both.empty:
        cell = both.iloc[0]
        return bool(cell.rindex(",") > cell.rindex("."))
    if text.str.contains(r",\d+,", regex=True).any():
        return False
    odd = ~text.str.contains(r",\d{3}\D*$", regex=True) | text.str.contains(r"^\D*0+,", regex=True)
    return True if odd.any() else None


def has_decimal_point(column: pd.Series) -> bool:
    """Return whether a cell of text has a point that separates no thousands, such as 157.1 or 0.125."""
    if not is_text(column):
        return False
    text = column.dropna().astype(str).str.replace(r"\D+$", "", regex=True)
    pointed = text[text.str.contains(".", regex=False) & ~text.str.contains(",", regex=False)]
    return not bool(pointed.str.fullmatch(r"\D*[1-9]\d{0,2}(?:\.\d{3})+").all())


def require_one_reading(prices: Sequence[pd.Series], volumes: Sequence[pd.Series], delimiter: str) -> None:
    """Refuse prices whose cells can be two numbers, where nothing in the file tells which.

    Args:
        prices: Columns of prices.
        volumes: The column of volumes, or none.
        delimiter: What separates the columns, empty where nothing does.

    Raises:
        InvalidMarketData: all prices are such as 112'165, or are such as 62.948 beside volumes such as 804,00, or such
            as 42,000 between tabs, bars or spaces.
    """
    texts = [column.dropna().astype(str).str.strip() for column in prices if is_text(column)]
    if len(texts) == len(prices):
        cells = pd.concat(texts).unique()
        if len(cells) >= _FEWEST_CELLS and pd.Series(cells).str.fullmatch(_PARTS_OF_32).all():
            raise InvalidMarketData(
                f"has prices such as {cells[0]}, which may be in parts of 32 or have a separator of thousands: write "
                "them as decimals, 112.515625 or 112165"
            )
    commas = list(filter(len, map(_with_commas, prices)))
    if commas:
        cells_of_both = [*commas, *map(_with_commas, volumes)]
        # Decimal commas are why a semicolon separates columns; other marks separate them anywhere.
        if delimiter in _OF_NO_COUNTRY and all(_proves_decimal_comma(cells) is None for cells in cells_of_both):
            cell = commas[0].iloc[0]
            raise InvalidMarketData(
                f"has prices such as {cell}, whose comma may be a decimal comma or separate thousands: write "
                f"{cell.replace(',', '.')} or {cell.replace(',', '')}"
            )
        return
    of_commas = any(_proves_decimal_comma(_with_commas(column)) for column in volumes)
    of_points = any(is_text(column) and column.astype(str).str.fullmatch(_POINTED_MILLIONS).any() for column in volumes)
    if not of_commas and not of_points:
        return
    values = np.concatenate([numbers_of(column).floats for column in prices])
    values = values[np.isfinite(values)]
    thousandths = np.round(values * 1_000)
    are_whole = np.isclose(thousandths, values * 1_000, rtol=0, atol=1e-6)
    have_digits = (values % 1 > 0).any() if of_points else (thousandths % 10 > 0).any()
    if len(values) and (values < 1_000).all() and are_whole.all() and have_digits:
        beside = "volumes with a decimal comma" if of_commas else "volumes whose points separate thousands"
        raise InvalidMarketData(
            f"has prices such as {values[0]:.3f} beside {beside}: their point may separate thousands; write prices and "
            "volumes with the same decimal mark, without separators of thousands"
        )


def numbers_of(column: pd.Series, decimal_comma: bool = False) -> Numbers:
    """Return a column as numbers; empty cells, null and the like are NaN."""
    if not is_text(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Numbers(values, np.zeros(len(values), dtype=np.bool_))
    text = column.astype(str)
    text = text.where(text.str.len() <= _LONGEST, "?").str.replace(_SPACES_AND_SIGNS, "", regex=True)
    text = text.str.replace("\u2212", "-", regex=False).str.replace(_CURRENCY, "", regex=True)
    if decimal_comma:
        text = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        text = text.str.replace(",", "", regex=False)
        if text.str.fullmatch(_POINTED_MILLIONS).any():  # then 950.000 has thousands too
            pointed = text.str.fullmatch(_POINTED_THOUSANDS)
            text = text.where(~pointed, text.str.replace(".", "", regex=False))
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    rest = np.isnan(values)
    if rest.any():
        parts = text[rest].str.upper().str.extract(rf"^(?P<number>[-+\d.]+)(?P<size>{SIZE})$")
        sized = parts["number"].str.cat(parts["size"].map(_EXPONENTS))
        values[rest] = pd.to_numeric(sized, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    nothing = column.isna().to_numpy() | text.str.casefold().isin(_NOTHING).to_numpy()
    values[nothing] = np.nan
    return Numbers(values, np.isnan(values) & ~nothing)
