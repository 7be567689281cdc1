"""The columns of the standard set: those of FR-AI-008, each made scale-free."""

from __future__ import annotations

from features.columns import price_and_time as groups
from features.columns import volatility as volatility_columns
from features.columns.column import Column, lagged, scaled
from features.columns.patterns import breakout_columns, pattern_columns, turning_point_columns
from features.columns.volume import volume_balance, volume_price_trend
from features.indicators.catalogue import indicator

LAGS = (1, 2, 3, 5, 10)


def standard_columns() -> tuple[Column, ...]:
    """Return the columns in their order, which is part of every model."""
    return (
        *_indicators(),
        *_price(),
        *groups.time_columns(),
        *(lagged(column, rows) for column in _lag_bases() for rows in LAGS),
        *_volatility(),
        *pattern_columns(),
        *breakout_columns(20),
        *turning_point_columns(),
    )


def _indicators() -> tuple[Column, ...]:
    return (
        scaled(indicator("rsi"), neutral=50),
        *(scaled(indicator(family)) for family in ("macd", "macd_signal", "macd_histogram")),
        *(scaled(indicator("ema", period=period)) for period in (9, 21, 50)),
        *(scaled(indicator("sma", period=period)) for period in (20, 50)),
        # The middle band is the SMA 20 above.
        *(scaled(indicator(f"bollinger_{part}")) for part in ("upper", "lower", "width")),
        scaled(indicator("bollinger_percent_b"), neutral=0.5),
        scaled(indicator("stochastic_k"), neutral=50),
        scaled(indicator("stochastic_d"), neutral=50),
        # Over 14 candles it would repeat %K.
        scaled(indicator("williams_r", period=28), neutral=-50),
        scaled(indicator("atr")),
        scaled(indicator("roc")),
        scaled(indicator("cci")),
        *(scaled(indicator(family)) for family in ("adx", "plus_di", "minus_di")),
        scaled(indicator("mfi"), neutral=50),
        scaled(indicator("volume_ratio"), neutral=1),
        scaled(indicator("volume_roc")),
        scaled(indicator("vwap")),
        scaled(indicator("cmf")),
        volume_balance(20),
        volume_price_trend(20),
    )


def _price() -> tuple[Column, ...]:
    return (
        *(groups.price_return(rows) for rows in (1, 5, 10)),
        groups.price_position(),
        groups.high_low_spread(),
        groups.open_close_spread(),
        *(groups.price_momentum(rows, indicator("atr")) for rows in (5, 10)),
    )


def _lag_bases() -> tuple[Column, ...]:
    return (
        groups.price_return(1),
        scaled(indicator("volume_ratio"), neutral=1),
        scaled(indicator("rsi"), neutral=50),
        scaled(indicator("macd")),
    )


def _volatility() -> tuple[Column, ...]:
    return (
        *(volatility_columns.volatility(rows) for rows in (5, 10, 20)),
        volatility_columns.volatility_ratio(5, 10),
        volatility_columns.volatility_ratio(10, 20),
        volatility_columns.price_dispersion(5),
    )
