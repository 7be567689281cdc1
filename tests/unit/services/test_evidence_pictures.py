"""Pictures of evidence: real PNG files, of every timeframe, for plans of any kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from backtesting.evidence.building import build_evidence
from backtesting.evidence.checking import check_markets
from domain.errors import InvalidRequest
from domain.market import Timeframe
from domain.trading.costs import MarketCosts
from services.evidence.pictures import draw_checks, draw_evidence
from tests.fixtures.evidence import market, planted

EVIDENCE = build_evidence(
    [market(planted(0.3)), market(planted(0.3, 8_000, timeframe=Timeframe.H4), timeframe=Timeframe.H4)],
    datetime(2026, 1, 1, tzinfo=UTC),
)
COSTS = MarketCosts(fee_bps=5, slippage_bps=1)
# Readable on a page, and small enough to be kept with it.
MOST_BYTES = 120_000


def assert_drawn(paths: list[Path]) -> None:
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert 10_000 < len(content) < MOST_BYTES


def test_each_timeframe_of_a_check_has_four_pictures(tmp_path: Path) -> None:
    markets = [
        market(planted(0.3, seed=4)),
        market(planted(0.1, seed=5), "ETHUSDT"),
        market(planted(0.3, 4_000, timeframe=Timeframe.H4), timeframe=Timeframe.H4),
    ]
    paths = draw_checks(tmp_path / "made", check_markets(EVIDENCE, markets, COSTS), "evidence.json")
    kinds = ("reliability", "confidence", "years", "random")
    assert [path.name for path in paths] == [f"{kind}-{timeframe}.png" for timeframe in ("1h", "4h") for kind in kinds]
    assert_drawn(paths)


def test_plans_of_one_year_that_are_all_worth_the_same_are_drawn_too(tmp_path: Path) -> None:
    samples = planted(0.0, 1_000)
    same = replace(samples, support=np.sign(samples.support), risk_bps=np.full(2_000, 50.0))
    (check,) = check_markets(EVIDENCE, [market(same)], COSTS)
    assert len(check.reliability) == 1
    assert_drawn(draw_checks(tmp_path, [check], "shipped"))


def test_the_records_of_the_strategies_have_a_picture_for_each_timeframe(tmp_path: Path) -> None:
    paths = draw_evidence(tmp_path, EVIDENCE)
    assert [path.name for path in paths] == ["strategies-1h.png", "strategies-4h.png"]
    assert_drawn(paths)


def test_a_strategy_that_never_leaned_is_drawn_without_a_record(tmp_path: Path) -> None:
    samples = planted(0.3)
    silent = replace(samples, scores=np.where(np.arange(8) == 2, 0.5, samples.scores))
    assert_drawn(draw_evidence(tmp_path, build_evidence([market(silent)], datetime(2026, 1, 1, tzinfo=UTC))))


def test_without_plans_there_is_no_picture(tmp_path: Path) -> None:
    assert draw_checks(tmp_path, [], "shipped") == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidRequest, match="file cannot be written to"):
        draw_evidence(tmp_path / "file", EVIDENCE)
