"""From text with separated columns to a table."""

from __future__ import annotations

import codecs
import io
import re
import warnings
from itertools import islice

import pandas as pd

from domain.errors import InvalidMarketData
from features.candle_reading.headers import is_header
from features.candle_reading.tables.raw_table import RawTable
from features.candle_reading.tables.text_layout import SAMPLE_BYTES, TextLayout, layout_of
from features.candle_reading.times.zones import NamedZone

# The longer mark first: the one of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of the West, in Cyrillic, Chinese, Korean and Japanese.
_ENCODINGS = ("cp1252", "cp1251", "gb18030", "cp949", "shift_jis")
_NO_VALUE = ["-", "--", ".", "undefined", "nil"]
_ROW_AS_COMMENT = re.compile(rb"(?m)^#[A-Za-z][^\r\n]*[,;\t][\d.]+\r?$")
_COMMENT = re.compile(rb"(?m)^[ \t]*(?:#|//|https?://)[^\r\n]*")
# The lines of a table that a terminal draws, as those of ASCII.
_BARS = tuple(bar.encode() for bar in "│┃┆")
_BOXES = str.maketrans({**dict.fromkeys("│┃┆┌┐└┘├┤┬┴┼╞╡╪┏┓┗┛┡┩╇┳┻╋╭╮╰╯", "|"), **dict.fromkeys("─━═╌", "-")})
_SQL = re.compile(rb"(?im)^[ \t]*(insert into|create table|copy [\w.\"]+ \([^)\n]{1,500}\) from stdin)")
# A row of pandas or polars in the place of those that a print leaves out.
_DOTS = "(?:…|\\.\\.\\.?)"
_LEFT_OUT = re.compile(rf"(?m)^[ \t|]*{_DOTS}(?:[ \t|]+{_DOTS})+[ \t|\r]*$".encode())
# What lines above the table say of all rows: `Symbol: AAPL`, `# Time zone: America/New_York`.
SAID_BYTES = 4_096
_TIME_ZONE = re.compile(rb"(?im)^[#/\" \t]*time ?zone\"?[ \t]*[:=,;][ \t]*\"?([\w/+:-]{2,40})")
_SYMBOL = re.compile(
    rb"(?im)^[#/\" \t]*(?:symbol|ticker|instrument|pair)\"?[ \t]*(?:[:=]|[,;\t](?=[^,;\t\n]*[,;\s]*$))[ \t]*"
    rb"\"?([\w./:^=-]{1,40})"
)
# Lines above the table that name the export.
_TITLES = (("cryptodatadownload", "CryptoDataDownload"), ("barchart", "Barchart"))


def text_of(content: bytes) -> bytes:
    """Return text in UTF-8 without a mark, whichever encoding it has.

    Raises:
        InvalidMarketData: it is no text.
    """
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content[:SAMPLE_BYTES]:
        head = content[:200]
        if head[1::2].count(0) > len(head) / 4 and not head[::2].count(0):
            encoding = "utf-16-le"
        elif head[::2].count(0) > len(head) / 4 and not head[1::2].count(0):
            encoding = "utf-16-be"
    try:
        if encoding is not None:
            content = content.decode(encoding).encode()
        elif not content.isascii():
            content = _decoded(content).encode()
    except UnicodeError as error:
        raise InvalidMarketData("is no text in its own encoding: save it as CSV in UTF-8") from error
    content = content.rstrip(b"\0") or content  # room that a program reserved and did not fill
    if b"\0" in content:
        raise InvalidMarketData("is binary and none of CSV, JSON, Parquet, Feather, zip or gzip: export it as CSV")
    return content


def _decoded(content: bytes) -> str:
    """Return text by the first encoding that it fits and that makes a header of one of its lines, if any does."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        head = content[:SAID_BYTES].rpartition(b"\n")[0]
    for encoding in _ENCODINGS:
        try:
            if any(is_header(re.split(r"[,;\t|]", line)) for line in head.decode(encoding).splitlines()):
                return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    try:
        return content.decode(_ENCODINGS[0])
    except UnicodeDecodeError:
        return content.decode("latin-1")


def text_table(text: bytes) -> RawTable:
    """Return the table of a text in UTF-8; comments and empty lines are no rows, but they count as lines.

    Raises:
        InvalidMarketData: it has no rows of candles, or a row with another number of columns.
    """
    said = text[:SAID_BYTES]
    title = next((form for word, form in _TITLES if word.encode() in text[:SAMPLE_BYTES].lower()), "")
    if re.search(rb'(?m)^"?#{4,}"?[,;\t]', text[:SAMPLE_BYTES]):
        raise InvalidMarketData(
            "has ##### for its times, as a spreadsheet shows them in a column that is too narrow: widen it, save again"
        )
    if b"#" in text or b"//" in text:
        head = text.rfind(b"\n", 0, SAMPLE_BYTES) + 1 or len(text)
        text = _COMMENT.sub(_named_or_nothing, text[:head]) + _COMMENT.sub(b"", text[head:])
    if b"\r" in text and b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    if statement := _SQL.search(said):
        raise InvalidMarketData(
            f"holds statements of SQL ({statement[1].decode(errors='replace')}), no table: export the table as CSV"
        )
    if any(bar in said for bar in _BARS):
        text = text.decode(errors="replace").translate(_BOXES).encode()
    if _LEFT_OUT.search(text[:SAMPLE_BYTES]):
        raise InvalidMarketData("is a print that leaves out rows, in the place of which it has dots: write all as CSV")
    if b'="' in said:  # formulas by which spreadsheets keep text as it is
        text = re.sub(rb'="([^"\r\n]*)"', rb"\1", text)
    text = _without_outer_quotes(text)
    try:
        layout = layout_of(_sample(text))
    except InvalidMarketData as error:
        if not _ROW_AS_COMMENT.search(said):
            raise
        raise InvalidMarketData(f"{error.message}; its rows begin with #, which marks comments: delete it") from error
    start = _offset(text, layout.first_line)
    frame = _frame(text[start:], layout)
    return RawTable(
        columns=tuple(frame[column] for column in frame),
        names=layout.names + ("",) * (layout.width - len(layout.names)) if layout.names else (),
        place=lambda row: f"line {_line(text[start:], row) + layout.first_line}",
        markets=layout.markets,
        symbol=_said(_SYMBOL, text[:start]),
        form=title,
        zone=NamedZone(_said(_TIME_ZONE, said) or ""),
        delimiter=layout.delimiter,
    )


def _said(form: re.Pattern[bytes], lines: bytes) -> str | None:
    found = form.search(lines)
    return found[1].decode(errors="replace") if found else None


def _without_outer_quotes(text: bytes) -> bytes:
    """Return lines that are quoted as a whole, as spreadsheets save a table that stood in one column, without that."""
    head = [line.strip() for line in text[:SAMPLE_BYTES].split(b"\n")[:20] if line.strip()][:-1]
    if not head or not all(map(_is_quoted, head)):
        return text
    lines = (line.strip() for line in text.split(b"\n"))
    return b"\n".join(line[1:-1].replace(b'""', b'"') if line.startswith(b'"') else line for line in lines)


def _is_quoted(line: bytes) -> bool:
    inner = line[1:-1].replace(b'""', b"")
    return line[:1] == line[-1:] == b'"' and b'"' not in inner and re.search(rb"[,;\t]", inner) is not None


def _named_or_nothing(comment: re.Match[bytes]) -> bytes:
    """Return nothing for a comment, but the names of columns that a mark makes look like one."""
    line = comment.group().decode(errors="replace").lstrip("#/ \t")
    return line.encode() if any(is_header(re.split(marks, line)) for marks in (r"[,;\t|]", r"\s+")) else b""


def _sample(text: bytes) -> str:
    head = text[:SAMPLE_BYTES]
    if len(text) > SAMPLE_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    return head.decode(errors="replace")


def _offset(text: bytes, lines: int) -> int:
    """Return where the line after a given number of lines begins."""
    at = 0
    for _ in range(lines):
        at = text.index(b"\n", at) + 1
    return at


def _line(text: bytes, row: int) -> int:
    """Return the number, from 1, of the line of a row."""
    full = (at for at, line in enumerate(text.split(b"\n"), start=1) if line.strip())
    return next(islice(full, row, None), row + 1)


def _frame(text: bytes, layout: TextLayout) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # Of a first row with more columns than the others, the surplus would be left out with this warning alone.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.BytesIO(text),
                sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
                header=None,
                names=range(layout.width),
                index_col=False,
                skipinitialspace=True,
                na_values=_NO_VALUE,
                dtype=dict.fromkeys(layout.texts, str),
                low_memory=False,
                encoding="utf-8",
            )
    except pd.errors.ParserWarning as warning:
        found = f"line {layout.first_line + 1} has more than {layout.width} columns, unlike the others: correct it"
        raise InvalidMarketData(found) from warning
    except (ValueError, OverflowError) as error:
        raise InvalidMarketData(_unreadable(str(error), layout)) from error


def _unreadable(message: str, layout: TextLayout) -> str:
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        expected, line, saw = map(int, found.groups())
        return f"line {line + layout.first_line} has {saw} columns where the others have {expected}: correct it"
    return f"cannot be read as a table ({' '.join(message.split())}): save it as CSV in UTF-8"
