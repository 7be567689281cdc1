"""Commands know the market of a file by its name, and take the version that was trained for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.candles.reading import checked_scope, read_markets
from commands.versions import choose_version
from domain.errors import InvalidRequest, ModelUnavailable
from domain.market import CandleSeries, Timeframe
from models.registry.registry import Registry
from tests.fixtures.candle_files import write_candles
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.markets import history

pytest_plugins = ["tests.fixtures.registry"]


def hours(path: Path) -> Path:
    return write_candles(path, CandleSeries(Timeframe.H1, history(Timeframe.H1, 300, moment=datetime.now(UTC))))


@pytest.mark.parametrize("name", ["BTC-USD.csv", "BTC-USD-1h.csv", "Coinbase_BTC-USD_1h.csv"])
def test_a_version_is_found_for_its_market_and_for_no_part_of_its_name(
    name: str, tmp_path: Path, registry: Registry
) -> None:
    version = put_in_production(registry, symbol="BTC-USD", timeframe=Timeframe.H1)
    chosen = choose_version(registry, None, hours(tmp_path / name), None, None)
    assert (chosen.version, chosen.symbol) == (version, "BTC-USD")
    assert registry.resolve("BTC", Timeframe.H1) is None
    for other in ("BTC-1h.csv", "BTCUSD-1h.csv"):
        market = other.partition("-")[0]
        with pytest.raises(ModelUnavailable, match=f"no model is in production for {market} 1h"):
            choose_version(registry, None, hours(tmp_path / other), None, None)
    with pytest.raises(InvalidRequest, match=r"forecasts BTC-USD, not BTC$"):
        choose_version(registry, version, hours(tmp_path / name), "BTC", None)


def test_a_version_of_a_market_is_not_asked_about_the_candles_of_another(tmp_path: Path, registry: Registry) -> None:
    version = put_in_production(registry, symbol="BTC-USD", timeframe=Timeframe.H1)
    other = hours(tmp_path / "ETHUSDT-1h.csv")
    with pytest.raises(
        InvalidRequest,
        match=r"forecasts BTC-USD, not ETHUSDT as ETHUSDT-1h\.csv has; where it is BTC-USD, say --symbol BTC-USD$",
    ):
        choose_version(registry, version, other, None, None)
    assert choose_version(registry, version, other, "btc-usd", None).symbol == "BTC-USD"
    assert choose_version(registry, version, hours(tmp_path / "candles.csv"), None, None).symbol == "BTC-USD"


@pytest.mark.parametrize("name", ["PETR4.SA-1h.csv", "BRK-B.csv", "^GSPC.csv", "EURUSD=X-1h.csv"])
def test_a_training_is_for_the_whole_name(name: str, tmp_path: Path) -> None:
    scope, markets = read_markets([hours(tmp_path / name)], None, None)
    assert scope == re.sub(r"(-1h)?\.csv$", "", name)
    assert list(markets) == [scope]


def test_classes_of_a_share_are_two_markets(tmp_path: Path) -> None:
    scope, markets = read_markets([hours(tmp_path / "BRK-A.csv"), hours(tmp_path / "BRK-B.csv")], None, None)
    assert (scope, list(markets)) == ("*", ["BRK-A", "BRK-B"])


def test_what_is_no_symbol_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^two_interleaved-1h\.csv: .* give --symbol$"):
        read_markets([hours(tmp_path / "two_interleaved-1h.csv")], None, None)
    # Each of several files is the market that it names: no option can name it.
    with pytest.raises(InvalidRequest, match=r"^two_interleaved-1h\.csv: .* begin it with the market"):
        read_markets([hours(tmp_path / "BTCUSDT-1h.csv"), hours(tmp_path / "two_interleaved-1h.csv")], None, None)
    with pytest.raises(InvalidRequest, match=r"^--symbol: a symbol has at most 20 capital letters"):
        checked_scope("../../etc")
    assert (checked_scope("*"), checked_scope("btc/usdt")) == ("*", "BTCUSDT")
