"""The checks of whole columns: the catalogue, the feature sets, and the indicators of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from backtesting.bias.checks import BiasCheck, BiasKind, Columns, column_check
from domain.arrays import FloatArray
from domain.market import CandleSeries
from features.columns.column import Column
from features.columns.feature_sets import FEATURE_SETS, FeatureSet
from features.families.family import Indicator
from features.feature_engineering import FeatureEngineer
from features.indicators.catalogue import FAMILIES, compute, indicator
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles


def catalogue_checks() -> list[BiasCheck]:
    """Return a check per group of the catalogue: every family with its customary parameters."""
    groups: dict[str, list[Indicator]] = {}
    for name, family in FAMILIES.items():
        groups.setdefault(family.group, []).append(indicator(name))
    return [column_check(BiasKind.INDICATOR, partial(_indicators, group)) for group in groups.values()]


def feature_checks() -> list[BiasCheck]:
    """Return a check per group of columns of all feature sets; a name in several sets is one column."""
    columns = {column.name: column for known in FEATURE_SETS.values() for column in known.columns}
    groups: dict[str, list[Column]] = {}
    for column in columns.values():
        groups.setdefault(column.group, []).append(column)
    return [column_check(BiasKind.FEATURE, _features(name, group)) for name, group in groups.items()]


def rule_indicator_check(indicators: TechnicalIndicators) -> BiasCheck:
    """Return the check of the indicators that the rules read, with the configured periods."""
    return column_check(BiasKind.RULE_INDICATOR, lambda series: indicators.columns(Candles(series.values.T)))


def _indicators(wanted: Sequence[Indicator], series: CandleSeries) -> Mapping[str, FloatArray]:
    return compute(Candles(series.values.T), wanted)


def _features(name: str, columns: Sequence[Column]) -> Columns:
    engineer = FeatureEngineer(FeatureSet(name, tuple(columns)))
    names = engineer.feature_columns
    return lambda series: dict(zip(names, engineer.matrix(series).T, strict=True))
