"""Where `ta` is wrong: its values and ours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ta.momentum import RSIIndicator
from ta.trend import ADXIndicator, IchimokuIndicator, KSTIndicator, PSARIndicator
from ta.volatility import AverageTrueRange, UlcerIndex
from ta.volume import MFIIndicator

from features.indicators.catalogue import Engine, compute, indicator
from tests.fixtures.histories import flat_series, simulated

ENGINES: tuple[Engine, ...] = ("fast", "ta")
FRAME = simulated(17, None, count=300).frame
HIGH, LOW, CLOSE, VOLUME = (FRAME[name] for name in ("high", "low", "close", "volume"))
pytestmark = pytest.mark.parametrize("engine", ENGINES)


def _ours(frame: pd.DataFrame, engine: Engine, family: str, **parameters: float) -> pd.Series:
    wanted = indicator(family, **parameters)
    return pd.Series(compute(frame, [wanted], engine)[wanted.name])


def test_atr_is_nan_and_not_zero_while_warming_up(engine: Engine) -> None:
    theirs = AverageTrueRange(HIGH, LOW, CLOSE, 14).average_true_range()
    assert (theirs[:13] == 0).all()
    ours = _ours(FRAME, engine, "atr")
    assert ours[:13].isna().all()
    np.testing.assert_allclose(ours[13:], theirs[13:], rtol=1e-12)


def test_adx_and_di_are_nan_and_not_zero_while_warming_up(engine: Engine) -> None:
    theirs = ADXIndicator(HIGH, LOW, CLOSE, 14)
    columns = {"adx": (theirs.adx(), 27), "plus_di": (theirs.adx_pos(), 15), "minus_di": (theirs.adx_neg(), 15)}
    for family, (values, warm_up) in columns.items():
        assert (values[:warm_up] == 0).all()
        ours = _ours(FRAME, engine, family)
        assert ours[:warm_up].isna().all()
        np.testing.assert_allclose(ours[warm_up:], values[warm_up:], rtol=1e-10)


def test_short_input_gives_nan_and_no_exception(engine: Engine) -> None:
    short = FRAME[:13]
    with pytest.raises(IndexError):
        AverageTrueRange(short["high"], short["low"], short["close"], 14).average_true_range()
    with pytest.raises((IndexError, ValueError)):
        ADXIndicator(short["high"], short["low"], short["close"], 14)
    assert _ours(short, engine, "atr").isna().all()
    assert _ours(short, engine, "adx").isna().all()


def test_rsi_of_a_flat_price_is_fifty_and_not_a_hundred(engine: Engine) -> None:
    flat = flat_series().frame
    assert (RSIIndicator(flat["close"], 14).rsi()[13:] == 100).all()
    assert (_ours(flat, engine, "rsi")[13:] == 50).all()


def test_kst_does_not_see_the_future(engine: Engine) -> None:
    short = CLOSE[:60]
    theirs, theirs_later = KSTIndicator(short).kst(), KSTIndicator(CLOSE).kst()[:60]
    assert (theirs[14:44] != theirs_later[14:44]).any()  # its first rows hold the mean of the whole series
    ours, ours_later = _ours(FRAME[:60], engine, "kst"), _ours(FRAME, engine, "kst")[:60]
    np.testing.assert_allclose(ours, ours_later, rtol=1e-9)
    assert ours[:44].isna().all()
    np.testing.assert_allclose(ours[44:], theirs[44:], rtol=1e-9)  # beyond the leak, they are the same


def test_kst_signal_averages_whole_windows(engine: Engine) -> None:
    theirs, ours = KSTIndicator(CLOSE).kst_sig(), _ours(FRAME, engine, "kst_signal")
    assert theirs[14:52].notna().all()
    assert ours[:52].isna().all()
    np.testing.assert_allclose(ours[52:], theirs[52:], rtol=1e-9)


def test_ichimoku_stays_at_its_candle(engine: Engine) -> None:
    whole = IchimokuIndicator(HIGH, LOW, visual=True).ichimoku_a()[:26]
    part = IchimokuIndicator(HIGH[:100], LOW[:100], visual=True).ichimoku_a()[:26]
    assert (whole != part).all()  # shifted forward, with the mean of everything in front
    ours = _ours(FRAME, engine, "ichimoku_a")
    np.testing.assert_allclose(ours[25:], IchimokuIndicator(HIGH, LOW).ichimoku_a()[25:], rtol=1e-12)


def test_ichimoku_b_waits_for_a_whole_window(engine: Engine) -> None:
    assert IchimokuIndicator(HIGH, LOW).ichimoku_b()[:51].notna().all()
    assert _ours(FRAME, engine, "ichimoku_b")[:51].isna().all()


def test_psar_has_a_row_per_candle_with_any_index(engine: Engine) -> None:
    # `ta` writes one value under an integer label: a new row, unless the index holds the label.
    dated = FRAME.set_index(pd.date_range("2024-01-01", periods=len(FRAME), freq="h", tz="UTC"))
    with np.errstate(all="ignore"):
        theirs = _psar_of(dated)
    ours = _ours(dated, engine, "psar")
    assert len(theirs) > len(FRAME)
    assert len(ours) == len(FRAME)
    np.testing.assert_allclose(ours[2:], _psar_of(FRAME)[2:], rtol=1e-12)


def _psar_of(frame: pd.DataFrame) -> pd.Series:
    values: pd.Series = PSARIndicator(frame["high"], frame["low"], frame["close"]).psar()
    return values


def test_psar_has_no_value_for_the_first_two_candles(engine: Engine) -> None:
    assert (_psar_of(FRAME)[:2] == CLOSE[:2]).all()
    assert _ours(FRAME, engine, "psar")[:2].isna().all()


def test_ulcer_index_waits_until_every_drawdown_has_a_whole_window(engine: Engine) -> None:
    late = FRAME[100:].reset_index(drop=True)
    theirs = [UlcerIndex(frame["close"], 14).ulcer_index() for frame in (FRAME, late)]
    assert theirs[1][13] != pytest.approx(theirs[0][113])  # a maximum of fewer closes
    ours = [_ours(frame, engine, "ulcer_index") for frame in (FRAME, late)]
    assert ours[1][:26].isna().all()
    assert ours[1][26] == pytest.approx(ours[0][126])


def test_mfi_waits_until_every_flow_has_a_candle_before_it(engine: Engine) -> None:
    theirs = MFIIndicator(HIGH, LOW, CLOSE, VOLUME, 14).money_flow_index()
    assert np.isfinite(theirs[13])  # thirteen flows and a zero
    ours = _ours(FRAME, engine, "mfi")
    assert ours[:14].isna().all()
    np.testing.assert_allclose(ours[14:], theirs[14:], rtol=1e-9)
