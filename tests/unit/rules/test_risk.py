"""Risk is one scale."""

from __future__ import annotations

import pytest

from domain.analysis import RiskLevel, VolatilityLevel
from rules.risk import volatility_level
from tests.fixtures.histories import assess, dashboard


@pytest.mark.parametrize(
    ("percentile", "level"),
    [
        (0, VolatilityLevel.VERY_LOW),
        (10, VolatilityLevel.LOW),
        (50, VolatilityLevel.MEDIUM),
        (89.9, VolatilityLevel.HIGH),
        (100, VolatilityLevel.VERY_HIGH),
    ],
)
def test_volatility_levels_split_the_percentiles(percentile: float, level: VolatilityLevel) -> None:
    assert volatility_level(percentile) is level


def test_overall_risk_follows_its_parts() -> None:
    order = [RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH]
    risks = [assess(dashboard(seed, drift)).risk_assessment for seed in range(8) for drift in (0.0, 0.3)]
    risks.sort(key=lambda risk: risk.technical_risk + risk.market_risk)
    ranks = [order.index(risk.overall_risk) for risk in risks]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1
