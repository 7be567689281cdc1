"""The columns of the leading market: whose candles they read, of which moment, and what training makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from config.settings import FeatureSettings
from domain.arrays import BoolArray
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.leaders import leader_among, leader_of
from features.columns.feature_sets import LED, STANDARD
from features.datasets.leaderless import LEADERLESS_SHARE
from features.datasets.training_data import TrainingSet, training_set
from features.feature_engineering import FeatureEngineer
from tests.fixtures.histories import simulated
from tests.fixtures.settings import configured

ENGINEER = FeatureEngineer(LED)
OWN, LEADER = simulated(3, count=400), simulated(4, count=400)
PLACES = LED.leader_places


def part(series: CandleSeries, chosen: slice) -> CandleSeries:
    return CandleSeries(series.timeframe, list(series.candles)[chosen])


@pytest.mark.parametrize(
    ("symbol", "leader"),
    [
        ("ETHUSDT", "BTCUSDT"), ("ETH-USD", "BTC-USD"), ("1000PEPEUSDT", "BTCUSDT"), ("SOLUSDT.P", "BTCUSDT.P"),
        ("ETHEUR", "BTCEUR"), ("KRW-XRP", "KRW-BTC"),
        ("KRW-BTC", None), ("BTCUSDT", None), ("XBTUSD", None), ("ETHBTC", None), ("AAPL", None), ("EURUSD", None),
    ],
)  # fmt: skip
def test_bitcoin_in_the_same_currency_leads_a_coin(symbol: str, leader: str | None) -> None:
    assert leader_of(symbol) == leader
    assert leader_among(symbol, {"BTCUSDT": 1, "ETHUSDT": 2}) == (1 if leader == "BTCUSDT" else None)


def test_a_row_has_the_leaders_values_of_the_same_moment_and_all_others_of_its_own() -> None:
    alone, led = ENGINEER.matrix(OWN), ENGINEER.matrix(OWN, LEADER)
    assert LED.columns[:75] == STANDARD.columns
    np.testing.assert_array_equal(led[:, :75], alone[:, :75])
    own_of_leader = ENGINEER.matrix(LEADER)
    np.testing.assert_array_equal(led[LED.warm_up :, PLACES], own_of_leader[LED.warm_up :, PLACES])
    assert not np.isclose(led[LED.warm_up :, PLACES], alone[LED.warm_up :, PLACES]).all(axis=0).any()
    np.testing.assert_array_equal(ENGINEER.last_window(OWN, 3, LEADER)[:, PLACES], led[-3:, PLACES])
    assert LED.warm_up == STANDARD.warm_up


def test_where_the_leader_is_not_known_a_market_leads_itself() -> None:
    alone, whole = ENGINEER.matrix(OWN), ENGINEER.matrix(OWN, LEADER)
    ends_early = ENGINEER.matrix(OWN, part(LEADER, slice(0, 390)))
    np.testing.assert_array_equal(ends_early[390:], alone[390:])
    np.testing.assert_array_equal(ends_early[:390], whole[:390])
    short = ENGINEER.matrix(OWN, part(LEADER, slice(300, 400)))
    np.testing.assert_array_equal(short[: 300 + LED.of_leader.warm_up], alone[: 300 + LED.of_leader.warm_up])
    np.testing.assert_allclose(short[-1], whole[-1], rtol=1e-9, atol=1e-12)
    elsewhere = CandleSeries(OWN.timeframe, [c._replace(timestamp=c.timestamp + 1000) for c in _candles(LEADER)])
    np.testing.assert_array_equal(ENGINEER.matrix(OWN, elsewhere), alone)


def test_later_candles_of_the_leader_change_no_row() -> None:
    whole, cut = ENGINEER.matrix(OWN, LEADER), 333
    np.testing.assert_allclose(ENGINEER.matrix(part(OWN, slice(0, cut)), LEADER), whole[:cut], rtol=1e-9, atol=1e-12)
    others = [c._replace(open=c.open * 3, high=c.high * 4, low=c.low * 2, close=c.close * 3) for c in _candles(LEADER)]
    changed = CandleSeries(LEADER.timeframe, [*_candles(LEADER)[:cut], *others[cut:]])
    np.testing.assert_allclose(ENGINEER.matrix(OWN, changed)[:cut], whole[:cut], rtol=1e-9, atol=1e-12)


def test_the_price_of_the_leader_does_not_matter() -> None:
    dear = [
        c._replace(open=c.open * 64, high=c.high * 64, low=c.low * 64, close=c.close * 64) for c in _candles(LEADER)
    ]
    found = ENGINEER.matrix(OWN, CandleSeries(LEADER.timeframe, dear))
    np.testing.assert_allclose(found, ENGINEER.matrix(OWN, LEADER), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def pool() -> TrainingSet:
    """Return the rows of a follower and of its leader, of 18 weeks."""
    follower, leader = (simulated(seed, timeframe=Timeframe.H1, count=3_000) for seed in (5, 6))
    return training_set([follower, leader], LED, configured(FeatureSettings), (1, 4, 16, 48), 0.005, [leader, None])


def test_some_training_weeks_of_a_market_learn_without_the_leader_and_no_other_rows_do(pool: TrainingSet) -> None:
    last = int(pool.slots.max()) + 1
    train, later = range(last * 2 // 3), range(last * 2 // 3 + 10, last)
    data = pool.part(train, later, range(0), "binary", 1, configured(FeatureSettings))
    names = tuple(column.name for column in LED.columns)
    whole = data.scaler.apply(pool.rows, names)[:, PLACES]
    changed: BoolArray = np.abs(data.train.rows[:, PLACES] - whole).max(axis=1) > 1e-3
    training, follower = pool.slots < train.stop, pool.slots % 2 == 0
    assert not changed[~training].any()
    assert not changed[~follower].any()
    assert changed[training & follower].mean() == pytest.approx(LEADERLESS_SHARE, abs=0.2)
    weeks = pool.times_ms[training & follower] // (7 * 86_400_000)
    shares = [changed[training & follower][weeks == week].mean() for week in np.unique(weeks)]
    assert all(share < 0.05 or share > 0.95 for share in shares)


def _candles(series: CandleSeries) -> list[Candle]:
    return [Candle(*candle) for candle in series.candles]  # type: ignore[misc]  # candles are tuples
