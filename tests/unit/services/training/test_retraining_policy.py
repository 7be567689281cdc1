"""Which models are due for a training: by age, by alarm, or all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_settings import ModelSettings
from models.registry.registries import USUAL, RegistryKey
from services.training.known_models import ServingModel
from services.training.retraining_policy import RetrainCause, RetrainingPolicy
from tests.fixtures.models import NOON, make_metadata
from tests.fixtures.settings import configured

POLICY = RetrainingPolicy(configured(ModelSettings, retrain_interval_hours=24))
MODEL = make_metadata()


def serving(hours: float) -> ServingModel:
    return ServingModel(MODEL, NOON - timedelta(hours=hours), None)


@pytest.mark.parametrize(("hours", "due"), [(1, False), (21, False), (22, True), (30, True)])
def test_a_model_is_due_by_age_and_a_daily_look_misses_no_day(hours: float, due: bool) -> None:
    found = POLICY.needed(NOON, [serving(hours)], {})
    assert [reason.reason for reason in found] == ([RetrainCause.AGE] if due else [])
    assert not due or f"trained {hours}.0 hours ago, every 24 hours it is due" in found[0].text


def test_an_alarm_comes_before_age_and_full_trains_all() -> None:
    alarm = {(USUAL, MODEL.version): "its Brier score rose"}
    (drifting,) = POLICY.needed(NOON, [serving(100)], alarm)
    assert (drifting.reason, drifting.text) == (RetrainCause.DRIFT, "its Brier score rose")
    assert (drifting.symbol, drifting.timeframe, drifting.model_type) == (MODEL.symbol, MODEL.timeframe, MODEL.type)
    (full,) = POLICY.needed(NOON, [serving(1)], {}, full=True)
    assert full.reason is RetrainCause.FULL
    assert POLICY.needed(NOON, [serving(1)], {(USUAL, "another version"): "drifts"}) == []


def test_an_alarm_of_one_horizon_trains_no_version_of_the_same_name_at_another() -> None:
    ahead = RegistryKey(horizon=4)
    models = [serving(1), replace(serving(1), key=ahead)]
    (found,) = POLICY.needed(NOON, models, {(ahead, MODEL.version): "drifts"})
    assert (found.key, found.reason) == (ahead, RetrainCause.DRIFT)


@given(hours=st.lists(st.floats(0, 1_000), max_size=8), full=st.booleans())
def test_each_model_is_named_once_at_most_and_all_of_them_where_all_are_wanted(hours: list[float], full: bool) -> None:
    found = POLICY.needed(NOON, [serving(age) for age in hours], {}, full=full)
    assert len(found) == (len(hours) if full else sum(age >= 21.6 for age in hours))
