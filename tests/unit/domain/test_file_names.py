"""Which market and timeframe the name of a file tells."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.market import Timeframe
from domain.naming.exchanges import VENUES
from domain.naming.file_names import ENDINGS_OF_DATA, file_market
from domain.naming.symbols import is_symbol
from tests.unit.domain.test_symbols import KRAKEN, SYMBOLS

ENDINGS = st.lists(st.sampled_from(sorted(ENDINGS_OF_DATA)), min_size=1, max_size=2).map(lambda found: ".".join(found))


@given(SYMBOLS, st.sampled_from(Timeframe), ENDINGS)
def test_the_services_own_form_is_read_whole(symbol: str, timeframe: Timeframe, ending: str) -> None:
    assume(symbol.partition("-")[0] not in VENUES and not KRAKEN.fullmatch(symbol))
    assert file_market(f"{symbol}-{timeframe}.{ending}") == (symbol, timeframe)


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("PETR4.SA-1d.csv", "PETR4.SA", "1d"),
        ("BTCUSDT_PERP-1h.csv", "BTCUSDT.P", "1h"),
        ("BTCUSDT_240628-1h-2024.csv", "BTCUSDT240628", "1h"),
        ("NASDAQ_DLY_AAPL, 1D_5c9f8.csv", "AAPL", "1d"),
        ("CME_MINI_DL_ES1!, 60.csv", "ES=F", "1h"),
        ("BTC-USD-3600.csv", "BTC-USD", "1h"),
        ("coinbase_BTC-USD_86400.csv", "BTC-USD", "1d"),
        ("BRK-B.csv", "BRK-B", None),
        ("BRK-B-1d.csv.gz", "BRK-B", "1d"),
        ("BRK.B-1d.csv", "BRK.B", "1d"),
        ("BTC-USD.csv", "BTC-USD", None),
        ("btc-usd-1h.csv", "BTC-USD", "1h"),
        ("^GSPC-1d.csv", "^GSPC", "1d"),
        ("EURUSD=X-1h.csv", "EURUSD=X", "1h"),
        ("ES=F-1d.parquet", "ES=F", "1d"),
        ("1000PEPEUSDT-5m.csv", "1000PEPEUSDT", "5m"),
        ("0700.HK-1d.csv", "0700.HK", "1d"),
        ("2020.HK.csv", "2020.HK", None),
        # freqtrade
        ("BTC_USDT-1h.feather", "BTCUSDT", "1h"),
        ("BTC_USDT-1h.json.gz", "BTCUSDT", "1h"),
        ("BTC_USDT_USDT-1h-futures.feather", "BTCUSDT.P", "1h"),
        # TradingView
        ("BINANCE_BTCUSDT, 60.csv", "BTCUSDT", "1h"),
        ("BINANCE_BTCUSDT.P, 240_1a2b3.csv", "BTCUSDT.P", "4h"),
        ("BATS_AAPL, 1D.csv", "AAPL", "1d"),
        ("NASDAQ_AAPL, 1D (2).csv", "AAPL", "1d"),
        ("FX_IDC_EURUSD, 15.csv", "EURUSD", "15m"),
        ("BINANCE_BTCUSDT, 1M.csv", "BTCUSDT", None),
        # Kraken, CryptoDataDownload, Binance's dumps
        ("XBTUSD_60.csv", "XBTUSD", "1h"),
        ("XBTUSD_1440.csv", "XBTUSD", "1d"),
        ("XXBTZUSD_60.csv", "XBTUSD", "1h"),
        ("XETHZEUR-1h.csv", "ETHEUR", "1h"),
        ("Binance_BTCUSDT_1h.csv", "BTCUSDT", "1h"),
        ("Gemini_BTCUSD_2021_1min.csv", "BTCUSD", "1m"),
        ("BTCUSDT-1h-2024-01.zip", "BTCUSDT", "1h"),
        ("BTCUSDT-1h-2024-01-31.csv", "BTCUSDT", "1h"),
        # MetaTrader, HistData, Stooq, Yahoo
        ("EURUSD60.csv", "EURUSD", "1h"),
        ("EURUSDm60.csv", "EURUSD", "1h"),
        ("XAUUSDm_M15_202101040000_202112312345.csv", "XAUUSD", "15m"),
        ("#AAPL_H1.csv", "AAPL", "1h"),
        ("EURUSD_M15_202101040000_202112312345.csv", "EURUSD", "15m"),
        ("EURUSD_H1.csv", "EURUSD", "1h"),
        ("DAT_ASCII_EURUSD_M1_2023.csv", "EURUSD", "1m"),
        ("aapl_us_d.csv", "AAPL.US", "1d"),
        ("aapl.us.txt", "AAPL.US", None),
        ("yfinance_MSFT-1d.csv", "MSFT", "1d"),
        ("yahooweb_PETR4.SA.csv", "PETR4.SA", None),
        ("okx-BTC-USDT-1h.csv", "BTC-USDT", "1h"),
        # People
        ("AAPL.csv", "AAPL", None),
        ("AAPL (1).csv", "AAPL", None),
        ("AAPL daily.csv", "AAPL", "1d"),
        ("AAPL_5_years_daily.csv", "AAPL", "1d"),
        ("BTCUSDT_2020-01-01_2021-01-01.csv", "BTCUSDT", None),
        ("kraken_sparse_XMRUSD-15m.csv", "XMRUSD", "15m"),
        ("kaggle_btcusd-1h.csv", "BTCUSD", "1h"),
        ("tv_iso_BTCUSDT-60.csv", "BTCUSDT", "1h"),
        ("dt_ns_BTCUSDT-1h.parquet", "BTCUSDT", "1h"),
        ("my btcusdt 15 min.csv", "BTCUSDT", "15m"),
        ("BTCUSDT-ref.csv", "BTCUSDT", None),
        ("AAPL-daily-adjusted.csv", "AAPL", "1d"),
        ("AAPL-old.csv", "AAPL", None),
        ("CME.csv", "CME", None),
        ("GBPUSD.2h.csv", "GBPUSD", None),
        ("two_interleaved-1h.csv", None, "1h"),
        ("quarterly report.csv", None, None),
        ("btcusdt.csv", "BTCUSDT", None),
        ("eurusd_daily.csv", "EURUSD", "1d"),
        ("answer.json", None, None),
        ("Download.csv", None, None),
        ("data.csv", None, None),
        ("data_1h.csv", None, "1h"),
        ("aapl.csv", "AAPL", None),
        ("ko_daily.csv", "KO", "1d"),
        ("ohlcv.csv", None, None),
        ("1h.csv", None, None),
        ("1700000000.csv", None, None),
    ],
)
def test_names_as_people_and_tools_write_them(name: str, symbol: str | None, timeframe: str | None) -> None:
    assert file_market(name) == (symbol, timeframe)


@given(st.text(max_size=60))
def test_any_name_gives_a_symbol_or_none(name: str) -> None:
    symbol, _ = file_market(name)
    assert symbol is None or is_symbol(symbol)


@pytest.mark.parametrize("part", [".csv", "-", "_"])
def test_a_name_longer_than_any_file_has_tells_nothing(part: str) -> None:
    assert file_market(f"BTCUSDT_1h{part * 2_000}") == (None, None)
