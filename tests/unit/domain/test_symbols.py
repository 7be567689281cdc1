"""How markets are spelled, and what a spelling tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.naming.symbols import (
    MAX_SYMBOL_LENGTH,
    SYMBOL_PATTERN,
    Symbol,
    SymbolName,
    is_symbol,
    market_kind,
    spelling,
)

SYMBOLS = st.from_regex(SYMBOL_PATTERN.replace("$", r"\Z"), fullmatch=True).filter(
    lambda text: len(text) <= MAX_SYMBOL_LENGTH
)
KRAKEN = re.compile("X[A-Z]{3}Z[A-Z]{3}")
ADAPTER: TypeAdapter[str] = TypeAdapter(SymbolName)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("btcusdt", "BTCUSDT"),
        (" BTC/USDT ", "BTCUSDT"),
        ("BTC_USDT", "BTCUSDT"),
        ("BTC USDT", "BTCUSDT"),
        ("BINANCE:BTCUSDT", "BTCUSDT"),
        ("1000PEPE/USDT", "1000PEPEUSDT"),
        ("BTC/USDT:USDT", "BTCUSDT.P"),
        ("BTC_USDT_USDT", "BTCUSDT.P"),
        ("BTC/USD:BTC", "BTCUSD.P"),
        ("BYBIT:BTCUSDT.P", "BTCUSDT.P"),
        ("BTC-USD", "BTC-USD"),
        ("btc-usd", "BTC-USD"),
        ("XBTUSD", "XBTUSD"),
        ("XBT/USD", "XBTUSD"),
        ("XXBTZUSD", "XBTUSD"),
        ("XETHZEUR", "ETHEUR"),
        ("KRAKEN:XXRPZUSD", "XRPUSD"),
        ("XAUUSD", "XAUUSD"),
        ("XTZUSD", "XTZUSD"),
        ("EURUSD=X", "EURUSD=X"),
        ("EUR/USD", "EURUSD"),
        ("EURUSDm", "EURUSD"),
        ("XAUUSD.r", "XAUUSD"),
        ("EURUSD#", "EURUSD"),
        ("#AAPL", "AAPL"),
        ("NASDAQ:AAPL", "AAPL"),
        ("BRK-B", "BRK-B"),
        ("BRK.B", "BRK.B"),
        ("BRK/B", "BRK-B"),
        ("PETR4.SA", "PETR4.SA"),
        ("SPOT_BTC_USDT", "BTCUSDT"),
        ("BINANCE_SPOT_BTC_USDT", "BTCUSDT"),
        ("DERIBIT_PERP_BTC_USD", "BTCUSD.P"),
        ("petr4_sa", "PETR4.SA"),
        ("VOLV-B.ST", "VOLV-B.ST"),
        ("^GSPC", "^GSPC"),
        ("^gspc", "^GSPC"),
        ("ES=F", "ES=F"),
        ("BTCUSD_PERP", "BTCUSD.P"),
        ("BTCUSDT_UMCBL", "BTCUSDT.P"),
        ("PF_XBTUSD", "XBTUSD.P"),
        ("BTC_USDC-PERPETUAL", "BTCUSDC.P"),
        ("BTC-PERPETUAL", "BTCUSD.P"),
        ("BTC-USDT-SWAP", "BTC-USDT-SWAP"),
        ("BTC-27JUN25", "BTC27JUN25"),
        ("BTCUSDT_240628", "BTCUSDT240628"),
        ("tBTCUSD", "BTCUSD"),
        ("tsla", "TSLA"),
        ("CME_MINI:ES1!", "ES=F"),
        ("ES1!", "ES=F"),
        ("BTC/USDT:USDT-240628", None),
        ("BTC/USDT/ETH", None),
        ("../etc/passwd", None),
        ("..", None),
        ("*", None),
        ("A" * 21, None),
        ("", None),
        ("ßtc", None),
        ("BTC\nUSDT", None),
    ],
)
def test_every_spelling_has_one_symbol_or_none(written: str, spelled: str | None) -> None:
    assert spelling(written) == spelled


@pytest.mark.parametrize(
    ("name", "kind", "base", "quote", "market", "exchange"),
    [
        ("BTCUSDT", "crypto", "BTC", "USDT", "crypto", None),
        ("1000PEPEUSDT", "crypto", "1000PEPE", "USDT", "crypto", None),
        ("1INCHUSDT", "crypto", "1INCH", "USDT", "crypto", None),
        ("TUSDT", "crypto", "T", "USDT", "crypto", None),
        ("BTCFDUSD", "crypto", "BTC", "FDUSD", "crypto", None),
        ("BTCUSDT.P", "crypto", "BTC", "USDT", "crypto", None),
        ("BTC-USD", "crypto", "BTC", "USD", "crypto", None),
        ("BTC-PERP", "crypto", "BTC", "USD", "crypto", None),
        ("BTC-USDT-SWAP", "crypto", "BTC", "USDT", "crypto", None),
        ("BNBUSD", "crypto", "BNB", "USD", "crypto", None),
        ("DOTUSD", "crypto", "DOT", "USD", "crypto", None),
        ("SHIBUSD", "crypto", "SHIB", "USD", "crypto", None),
        ("USDTUSD", "crypto", "USDT", "USD", "crypto", None),
        ("XBTUSD", "crypto", "XBT", "USD", "crypto", None),
        ("ETHBTC", "crypto", "ETH", "BTC", "crypto", None),
        ("USDTBRL", "crypto", "USDT", "BRL", "crypto", None),
        ("EURUSDT", "crypto", "EUR", "USDT", "crypto", None),
        ("EURUSD", "forex", "EUR", "USD", "forex", None),
        ("EURUSD=X", "forex", "EUR", "USD", "forex", None),
        ("EUR-USD", "forex", "EUR", "USD", "forex", None),
        ("JPY=X", "forex", "USD", "JPY", "forex", None),
        ("XAUUSD", "forex", "XAU", "USD", "forex", None),
        ("AAPL", "share", "AAPL", None, "us", "XNYS"),
        ("F", "share", "F", None, "us", "XNYS"),
        ("ABNB", "share", "ABNB", None, "us", "XNYS"),
        ("BRK-B", "share", "BRK-B", None, "us", "XNYS"),
        ("BRK.B", "share", "BRK-B", None, "us", "XNYS"),
        ("AAPL.US", "share", "AAPL", None, "us", "XNYS"),
        ("PETR4.SA", "share", "PETR4", None, "b3", "BVMF"),
        ("RELIANCE.NS", "share", "RELIANCE", None, "nse", "XNSE"),
        ("500325.BO", "share", "500325", None, "bse", "XBOM"),
        ("VOD.L", "share", "VOD", None, "lse", "XLON"),
        ("SAP.DE", "share", "SAP", None, "xetra", "XETR"),
        ("MC.PA", "share", "MC", None, "euronext", "XPAR"),
        ("ASML.AS", "share", "ASML", None, "euronext", "XAMS"),
        ("ENI.MI", "share", "ENI", None, "milan", "XMIL"),
        ("SAN.MC", "share", "SAN", None, "madrid", "XMAD"),
        ("NESN.SW", "share", "NESN", None, "six", "XSWX"),
        ("RY.TO", "share", "RY", None, "tsx", "XTSE"),
        ("7203.T", "share", "7203", None, "tokyo", "XJPX"),
        ("0700.HK", "share", "0700", None, "hong_kong", "XHKG"),
        ("BHP.AX", "share", "BHP", None, "asx", "XASX"),
        ("VOLV-B.ST", "share", "VOLV-B", None, "stockholm", "XSTO"),
        ("^GSPC", "index", "GSPC", None, "us", "XNYS"),
        ("^BVSP", "index", "BVSP", None, "b3", "BVMF"),
        ("^UNKNOWN", "index", "UNKNOWN", None, None, None),
        ("ES=F", "future", "ES", None, "future", None),
        ("ESZ6", "future", "ES", None, "future", None),
        ("CLF2027", "future", "CL", None, "future", None),
        ("6EH27", "future", "6E", None, "future", None),
        ("EURUSD-ECN", "forex", "EUR", "USD", "forex", None),
        ("EURUSD.FOREX", "forex", "EUR", "USD", "forex", None),
        ("BTC-USD.CC", "crypto", "BTC", "USD", "crypto", None),
        ("BTCUSDT-PERP", "crypto", "BTC", "USDT", "crypto", None),
        ("SBER.ME", "share", "SBER", None, "moscow", "MISX"),
        ("SAP.MU", "share", "SAP", None, "frankfurt", "XMUN"),
        ("2222.SR", "share", "2222", None, "saudi", "XSAU"),
        ("BTCUSTD", None, "BTCUSTD", None, None, None),
        ("KRW-BTC", "crypto", "BTC", "KRW", "crypto", None),
        ("KRW-XRP", "crypto", "XRP", "KRW", "crypto", None),
        ("KRW-USDT", "crypto", "USDT", "KRW", "crypto", None),
        ("KRW-USD", "forex", "KRW", "USD", "forex", None),
        ("EUR-BTC", "crypto", "BTC", "EUR", "crypto", None),
        ("EUR-USDT", "crypto", "EUR", "USDT", "crypto", None),
        ("XTIUSD", None, "XTIUSD", None, None, None),
        ("WTICOUSD", None, "WTICOUSD", None, None, None),
        ("NAS100USD", None, "NAS100USD", None, None, None),
        ("DE30EUR", None, "DE30EUR", None, None, None),
        ("API3USD", "crypto", "API3", "USD", "crypto", None),
        ("1000PEPEUSD", "crypto", "1000PEPE", "USD", "crypto", None),
        ("OPUSD", None, "OPUSD", None, None, None),
        ("PETR4", None, "PETR4", None, None, None),
        ("600519", None, "600519", None, None, None),
    ],
)
def test_a_spelling_tells_the_market(
    name: str, kind: str | None, base: str, quote: str | None, market: str | None, exchange: str | None
) -> None:
    facts = Symbol.of(name)
    assert (facts.name, facts.kind, facts.base, facts.quote) == (name, kind, base, quote)
    assert (market_kind(name), _mic(facts)) == (market, exchange)
    assert facts.perpetual is name.endswith((".P", "-PERP", "-SWAP"))


def test_of_two_quotes_that_fit_the_longer_one_counts() -> None:
    assert (Symbol.of("BTCFDUSD").base, Symbol.of("BTCFDUSD").quote) == ("BTC", "FDUSD")
    assert (Symbol.of("SOLPYUSD").base, Symbol.of("SOLPYUSD").quote) == ("SOL", "PYUSD")


def test_the_documented_table_is_true() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "symbols.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
    table = [row for row in rows if len(row) == 5]
    assert len(table) == 14
    for written, symbol, kind, parts, exchange in table:
        facts = Symbol.of(symbol.strip("`"))
        assert {spelling(name) for name in re.findall("`([^`]+)`", written)} == {facts.name}
        assert (facts.kind, _mic(facts) or "") == (kind, exchange)
        assert ", ".join(part for part in (facts.base, facts.quote) if part) == parts


def _mic(facts: Symbol) -> str | None:
    """Return the market identifier code of the exchange."""
    return facts.exchange.mic if facts.exchange else None


@given(st.text(max_size=45) | SYMBOLS)
def test_a_symbol_keeps_its_spelling_and_every_spelling_is_a_symbol(text: str) -> None:
    spelled = spelling(text)
    if is_symbol(text) and not KRAKEN.fullmatch(text):
        assert spelled == text
    if spelled is not None:
        assert is_symbol(spelled)
        assert spelling(spelled) == spelled


@given(st.text(max_size=22) | SYMBOLS)
def test_any_text_has_facts(text: str) -> None:
    facts = Symbol.of(text)
    assert facts.name == text
    market_kind(text)


@given(SYMBOLS)
def test_a_symbol_is_safe_in_paths_and_file_names(symbol: str) -> None:
    assert not re.search(r"[/\\\s*?%:\0]|\.\.", symbol)
    assert symbol[0] != "."
    assert symbol[-1] != "."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("BTC/USDT", "symbol BTC/USDT: write BTCUSDT"),
        ("btcusdt", "symbol btcusdt: write BTCUSDT"),
        ("BTC/USDT:USDT", "symbol BTC/USDT:USDT: write BTCUSDT.P"),
        ("<script>", "a symbol has at most 20 capital letters and digits, such as BTCUSDT"),
        ("BTCUSDT\n", "symbol 'BTCUSDT\\n': write BTCUSDT"),
        ("", "a symbol has at most"),
    ],
)
def test_what_is_no_symbol_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ADAPTER.validate_python(text)
    assert refused.value.errors()[0]["msg"].startswith(f"Value error, {sentence}")


def test_the_schema_of_a_symbol_has_its_pattern() -> None:
    assert ADAPTER.json_schema() == {"type": "string", "pattern": SYMBOL_PATTERN, "maxLength": MAX_SYMBOL_LENGTH}
