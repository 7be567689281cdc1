"""The columns that the wide set adds to the standard ones: more periods, horizons, ratios, higher timeframes."""

from __future__ import annotations

from features.columns import price_and_time as groups
from features.columns import volatility as volatility_columns
from features.columns import volume as volume_columns
from features.columns.column import Column, against_turnover, changed, compared, higher, lagged, scaled
from features.columns.patterns import breakout_columns, more_pattern_columns
from features.columns.standard import standard_columns
from features.indicators.catalogue import indicator

# Candles four and sixteen times as long: 1h and 4h for 15m candles.
FACTORS = (4, 16)


def wide_columns() -> tuple[Column, ...]:
    """Return the columns in their order: the standard ones first, 240 in all."""
    return (
        *standard_columns(),
        *_price(),
        *(groups.higher_progress(factor) for factor in FACTORS),
        *_volatility(),
        *_volume(),
        *more_pattern_columns(),
        *breakout_columns(10),
        *breakout_columns(50),
        *_lags(),
        *_trend(),
        *_momentum(),
        *_bands(),
        *_higher_timeframes(),
    )


def _price() -> tuple[Column, ...]:
    return (
        *(groups.price_return(rows) for rows in (2, 3, 20, 30, 60, 96)),
        *(groups.price_momentum(rows, indicator("atr")) for rows in (20, 60)),
        groups.body_share(),
        groups.shadow_balance(),
        *(build(rows) for build in (groups.range_position, groups.drawdown, groups.rally) for rows in (20, 60)),
        *(groups.trend_efficiency(rows) for rows in (10, 20, 60)),
    )


def _volatility() -> tuple[Column, ...]:
    return (
        *(volatility_columns.volatility(rows) for rows in (30, 60, 96)),
        *(volatility_columns.volatility_ratio(fast, slow) for fast, slow in ((5, 20), (20, 60), (20, 96))),
        *(volatility_columns.parkinson_volatility(rows) for rows in (10, 20, 60)),
        *(volatility_columns.return_skew(rows) for rows in (20, 60)),
        *(volatility_columns.downside_share(rows) for rows in (20, 60)),
    )


def _volume() -> tuple[Column, ...]:
    return (
        *(volume_columns.volume_balance(rows) for rows in (5, 10, 50)),
        *(volume_columns.volume_price_trend(rows) for rows in (5, 10, 50)),
        *(volume_columns.volume_comparison(fast, slow) for fast, slow in ((5, 20), (20, 60))),
        *(volume_columns.volume_variation(rows) for rows in (20, 60)),
        volume_columns.range_per_volume(20),
        *(scaled(indicator("volume_ratio", period=period), neutral=1) for period in (5, 50)),
        *(scaled(indicator("cmf", period=period)) for period in (10, 50)),
        *(scaled(indicator("mfi", period=period), neutral=50) for period in (7, 28)),
        against_turnover(indicator("force_index"), 20),
        volume_columns.ease_of_movement(20),
        changed(indicator("nvi"), 20),
    )


def _lags() -> tuple[Column, ...]:
    return (
        *(lagged(groups.price_return(1), rows) for rows in (4, 6, 7, 8, 9)),
        *(lagged(groups.high_low_spread(), rows) for rows in (1, 2, 3, 5)),
        *(lagged(groups.price_position(), rows) for rows in (1, 2, 3, 5)),
    )


def _trend() -> tuple[Column, ...]:
    return (
        *(scaled(indicator("ema", period=period)) for period in (5, 12, 26, 100)),
        *(scaled(indicator("sma", period=period)) for period in (10, 100, 200)),
        scaled(indicator("kama")),
        compared(indicator("ema", period=9), indicator("ema", period=21)),
        compared(indicator("ema", period=21), indicator("ema", period=50)),
        compared(indicator("sma", period=20), indicator("sma", period=50)),
        compared(indicator("sma", period=50), indicator("sma", period=200)),
        *(scaled(indicator(family, period=28)) for family in ("adx", "plus_di", "minus_di")),
        *(scaled(indicator(family, period=period)) for period in (25, 50) for family in ("aroon_up", "aroon_down")),
        scaled(indicator("vortex_plus"), neutral=1),
        scaled(indicator("vortex_minus"), neutral=1),
        *(scaled(indicator(family)) for family in ("trix", "dpo", "mass_index", "kst", "kst_signal")),
        *(scaled(indicator(family)) for family in ("ichimoku_a", "ichimoku_b", "psar")),
    )


def _momentum() -> tuple[Column, ...]:
    return (
        *(scaled(indicator("rsi", period=period), neutral=50) for period in (7, 21, 28)),
        *(scaled(indicator("stochastic_k", period=period), neutral=50) for period in (7, 21)),
        scaled(indicator("stochastic_rsi"), neutral=0.5),
        *(scaled(indicator("cci", period=period)) for period in (10, 40)),
        scaled(indicator("tsi")),
        scaled(indicator("ultimate_oscillator"), neutral=50),
        scaled(indicator("awesome_oscillator")),
    )


def _bands() -> tuple[Column, ...]:
    return (
        *(scaled(indicator("bollinger_percent_b", period=period), neutral=0.5) for period in (10, 50)),
        *(scaled(indicator("bollinger_width", period=period)) for period in (10, 50)),
        *(scaled(indicator(f"keltner_{part}")) for part in ("upper", "lower")),
        *(scaled(indicator(f"donchian_{part}", period=55)) for part in ("upper", "lower")),
        scaled(indicator("ulcer_index")),
        *(scaled(indicator("atr", period=period)) for period in (7, 28)),
        compared(indicator("atr", period=7), indicator("atr", period=28)),
    )


def _higher_timeframes() -> tuple[Column, ...]:
    """Return columns of the closed higher candles.

    Those of the longer candles need at most 21 of them, about 370 base candles. Smoothed averages,
    which need hundreds of candles, come from the shorter ones only.
    """
    finite = (
        *(groups.price_return(rows) for rows in (1, 3, 10)),
        groups.price_position(),
        groups.high_low_spread(),
        volatility_columns.volatility(10),
        volatility_columns.parkinson_volatility(10),
        groups.range_position(20),
        groups.trend_efficiency(10),
        volatility_columns.downside_share(20),
        scaled(indicator("sma", period=20)),
        scaled(indicator("bollinger_percent_b"), neutral=0.5),
        scaled(indicator("stochastic_k"), neutral=50),
        scaled(indicator("cci")),
        scaled(indicator("volume_ratio"), neutral=1),
        volume_columns.volume_balance(10),
    )
    smoothed = (scaled(indicator("rsi"), neutral=50), scaled(indicator("macd_histogram")), scaled(indicator("adx")))
    return (
        *(higher(column, factor) for factor in FACTORS for column in finite),
        *(higher(column, FACTORS[0]) for column in smoothed),
    )
