"""Ids of lanes: the same for the same parts in every process, and another when any part changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.ledger.entries import LedgerLane, Origin
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.measured import MeasuredEvidence
from services.ledger.recording import lane_identities
from services.ledger.recording.lane_identities import LaneIdentity, keep_identities
from storage.document_ports import LEDGER_LANES
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.guards import documents_on
from tests.fixtures.histories import WEIGHER
from tests.fixtures.recording import PROMPT, make_identities

RULES, MODEL, LLM, BLEND, SHADOW = LedgerLane
VERSION = "lstm_model_20260131_120000"
BY = {RULES: "", MODEL: VERSION, LLM: "gpt-4o-mini", BLEND: VERSION, SHADOW: VERSION}
EVIDENCE = WEIGHER.evidence
ROOT = Path(__file__).resolve().parents[5]


def settings(**sections: dict[str, Any]) -> Settings:
    return load_settings(environment={}, overrides=sections)


def ids(
    changed: Settings | None = None, evidence: MeasuredEvidence | None = EVIDENCE, prompt: dict[str, Any] | None = None
) -> dict[LedgerLane, str]:
    """Return the id of each lane, of a process of its own."""
    identities = make_identities(changed, prompt=prompt)
    return {lane: identities.id_of(lane, by, Origin.API, evidence) for lane, by in BY.items()}


def differing(one: dict[LedgerLane, str], other: dict[LedgerLane, str]) -> set[LedgerLane]:
    return {lane for lane in LedgerLane if one[lane] != other[lane]}


def test_ids_have_twelve_hex_digits_and_tell_the_lanes_apart() -> None:
    found = ids()
    assert len(set(found.values())) == 5
    assert all(len(value) == 12 and int(value, 16) >= 0 for value in found.values())


def test_another_process_has_the_same_ids() -> None:
    code = (
        "from tests.unit.services.ledger.recording.test_lane_identities import ids\n"
        "print(*(value for _, value in sorted(ids().items())))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [value for _, value in sorted(ids().items())]


def changed_evidence() -> MeasuredEvidence:
    assert EVIDENCE is not None
    return EVIDENCE.model_copy(update={"built_at": "1999-12-31"})


BY_RULES = {RULES, LLM, BLEND}
CHANGES: list[tuple[str, Callable[[], dict[LedgerLane, str]], set[LedgerLane]]] = [
    ("window", lambda: ids(settings(analysis={"window_candles": 299})), BY_RULES),
    ("least candles", lambda: ids(settings(analysis={"min_candles": 61})), BY_RULES),
    ("timeframes", lambda: ids(settings(analysis={"primary_timeframes": ["4h"]})), BY_RULES),
    ("an indicator", lambda: ids(settings(indicators={"rsi_period": 15})), BY_RULES),
    ("range", lambda: ids(settings(indicators={"atr_period": 15})), set(LedgerLane)),
    ("fee", lambda: ids(settings(trading={"fee_bps": 6})), BY_RULES),
    ("slippage", lambda: ids(settings(trading={"slippage_bps": 2})), BY_RULES),
    ("evidence", lambda: ids(evidence=changed_evidence()), BY_RULES),
    ("no evidence", lambda: ids(evidence=None), BY_RULES),
    ("blend", lambda: ids(settings(analysis={"blend": "weighted"})), {BLEND}),
    ("share of the model", lambda: ids(settings(analysis={"model_weight": 0.4})), {BLEND}),
    ("sides of models", lambda: ids(settings(models={"serving": {"long_probability": 0.61}})), {MODEL, BLEND, SHADOW}),
    ("temperature", lambda: ids(settings(llm={"models": {"gpt-4o-mini": {"temperature": 1}}})), {LLM}),
    ("endpoint", lambda: ids(settings(llm={"base_url": "http://127.0.0.1:9/v1"})), {LLM}),
    ("instructions", lambda: ids(prompt=PROMPT | {"instructions": "Answer in JSON!"}), {LLM}),
    ("reply", lambda: ids(prompt=PROMPT | {"reply": {"type": "array"}}), {LLM}),
]


@pytest.mark.parametrize(("change", "lanes"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_each_part_changes_the_lanes_that_it_is_part_of(
    change: Callable[[], dict[LedgerLane, str]], lanes: set[LedgerLane]
) -> None:
    assert differing(ids(), change()) == lanes


NO_PARTS: list[dict[str, dict[str, Any]]] = [
    {"analysis": {"interval_minutes": 1, "symbols": ["BTCUSDT"], "worker_threads": 1}},
    {"indicators": {"engine": "ta"}},
    {"guards": {"cooldown_candles": 9, "hysteresis": 0}},
    {"trading": {"funding_bps": 3}},
    {"storage": {"url": "sqlite:///elsewhere.db"}, "server": {"port": 9000}},
    {"llm": {"spacing_seconds": 0, "budgets": {"daily_stop_usd": 1}}},
    {"signals": {"min_confidence": 0.9}},
]


@pytest.mark.parametrize("sections", NO_PARTS)
def test_what_changes_no_answer_begins_no_new_record(sections: dict[str, dict[str, Any]]) -> None:
    assert ids(settings(**sections)) == ids()


@pytest.mark.parametrize("lane", [MODEL, BLEND, LLM])
def test_another_model_is_another_lane(lane: LedgerLane) -> None:
    identities = make_identities()
    one, other = (identities.id_of(lane, by, Origin.API, EVIDENCE) for by in (BY[lane], f"{BY[lane]}_2"))
    assert one != other
    assert identities.id_of(lane, BY[lane], Origin.LOOP, EVIDENCE) == one


def test_a_recalibrated_model_is_another_lane_and_one_that_was_not_keeps_its_own() -> None:
    noted = list[LaneIdentity]()
    identities = make_identities(noted=noted)
    plain = identities.id_of(MODEL, VERSION, Origin.API, EVIDENCE)
    one, other = (identities.id_of(MODEL, VERSION, Origin.API, EVIDENCE, calibrated_at=at) for at in (1, 2))
    assert len({plain, one, other}) == 3
    assert [identity.parts.get("calibrated_at") for identity in noted] == [None, 1, 2]


def test_a_release_begins_new_records(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids()
    monkeypatch.setattr(lane_identities, "service_version", lambda: "999.0.0")
    assert differing(before, ids()) == set(LedgerLane)


def test_a_trend_is_blended_in_another_way() -> None:
    identities = make_identities()
    of_trend = {lane: identities.id_of(lane, by, Origin.TREND, EVIDENCE) for lane, by in BY.items()}
    assert differing(ids(), of_trend) == {BLEND}


def test_the_engines_indicator_settings_begin_a_new_record_and_the_own_ones_go_on_with_the_old() -> None:
    own = settings().indicators
    indicators, noted = TechnicalIndicators(own), list[LaneIdentity]()
    identities = make_identities(indicators=indicators, noted=noted)
    first = identities.id_of(RULES, "", Origin.API, EVIDENCE)
    indicators.use(own.model_copy(update={"rsi_period": 9}))
    second = identities.id_of(RULES, "", Origin.API, EVIDENCE)
    indicators.use(own)
    assert identities.id_of(RULES, "", Origin.API, EVIDENCE) == first != second
    assert [identity.parts["indicators"]["rsi_period"] for identity in noted[:2]] == [14, 9]


def test_an_identity_names_its_parts_and_no_address() -> None:
    noted = list[LaneIdentity]()
    identities = make_identities(settings(llm={"base_url": "http://secret-host:9/v1"}), noted=noted)
    lane_id = identities.id_of(LLM, "gpt-4o-mini", Origin.API, EVIDENCE)
    (identity,) = noted
    assert (identity.lane, identity.lane_id) == (LLM, lane_id)
    assert LaneIdentity.of(LLM, identity.parts) == identity
    assert set(identity.parts) == {"service", "analysis", "indicators", "trading", "evidence", "llm"}
    assert identity.parts["llm"]["model"] == "gpt-4o-mini"
    assert identity.parts["llm"]["prompt"]["version"] == PROMPT["version"]
    assert "secret-host" not in repr(identity)
    assert str(PROMPT["instructions"]) not in repr(identity)
    identities.id_of(LLM, "gpt-4o-mini", Origin.LOOP, EVIDENCE)
    assert len(noted) == 1


async def test_identities_are_stored_once_with_the_time_at_which_their_record_began(tmp_path: Path) -> None:
    clock = SettableClock()
    async with documents_on(f"sqlite:///{tmp_path}/store.db") as documents:
        for _ in range(2):  # two processes, one after the other
            keep = keep_identities(documents, clock)
            noted = list[LaneIdentity]()
            identities = make_identities(noted=noted)
            for lane, by in BY.items():
                identities.id_of(lane, by, Origin.API, EVIDENCE)
            for identity in noted:
                keep(identity)
            await documents.flush()
            clock.advance(3600)
        stored = await documents.newest(LEDGER_LANES, 10)
    assert {(kept["lane_id"], kept["lane"], kept["created_at"]) for kept in stored} == {
        (value, lane.value, NOW) for lane, value in ids().items()
    }
    for kept in stored:
        assert LaneIdentity.of(LedgerLane(kept["lane"]), kept["parts"]).lane_id == kept["lane_id"]


def test_what_goes_by_a_plan_model_is_told_apart_and_marked() -> None:
    noted: list[LaneIdentity] = []
    identities = make_identities(noted=noted)
    version = "plan_lightgbm_model_20260131_120000"
    plain = {lane: identities.id_of(lane, by, Origin.API, EVIDENCE) for lane, by in BY.items()}
    asked = {lane: identities.id_of(lane, by, Origin.API, EVIDENCE, version) for lane, by in BY.items()}
    assert differing(plain, asked) == {RULES, LLM, BLEND}
    marked = {identity.lane for identity in noted if identity.parts.get(lane_identities.PLAN_MODEL) == version}
    assert marked == {RULES, LLM, BLEND}
