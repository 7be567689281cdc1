"""The card of a version says what it was trained on, how it did, and what it is not good for."""

from __future__ import annotations

import pytest

from config.model_settings import ModelSettings
from domain.forecasting import ModelType
from domain.trading.evidence import Interval95
from domain.trading.forecast_plans import PlanRecord
from models.cards.card import model_card
from models.evaluation.bootstrap import Interval
from models.evaluation.gate import Comparison, GateVerdict
from models.registry.metadata import JudgedRange, Member, ModelMetadata, TrainingRange
from models.registry.registries import PLANS
from models.registry.registry import Registry
from models.registry.shipped import ShippedVersions
from tests.fixtures.models import make_metadata, make_scores
from tests.fixtures.plan_models import model_record
from tests.fixtures.settings import configured

DAY_MS = 86_400_000
DATA = TrainingRange(
    first_ms=0,
    last_ms=400 * DAY_MS,
    candles=9_600,
    training_windows=8_000,
    validation_windows=1_400,
    markets=("BTCUSDT", "ETHUSDT"),
)


def verdict(difference: float) -> GateVerdict:
    ends = Interval(low=difference - 0.001, high=difference + 0.001)
    found = Comparison(
        model="the candidate",
        against="the prior",
        count=1000,
        brier=0.248,
        against_brier=0.25,
        difference=difference,
        interval=ends,
    )
    return GateVerdict(serves="candidate", reasons=("better than the prior",), comparisons=(found,))


def plans(low: float, high: float) -> PlanRecord:
    mean = Interval95(mean=(low + high) / 2, low=low, high=high, cases=500)
    return PlanRecord(
        weight=0.1,
        error=0.05,
        plans=400,
        samples=1000,
        kinds=(),
        base_rate=0.3,
        target_first=mean,
        expected_r=mean,
        random_r=mean,
        above_random_r=mean,
        stop_atr=3.0,
        reward=2.0,
        horizon_candles=240,
    )


def section(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_a_card_has_data_figures_and_the_command() -> None:
    scores = make_scores(count=5000, intervals={"brier": Interval(low=0.2471, high=0.2489)}, ece=0.01, top_tenth=0.6)
    model = make_metadata(
        ModelType.GRU,
        symbol="*",
        data=DATA,
        metrics=scores,
        judged=JudgedRange(first_ms=300 * DAY_MS, last_ms=400 * DAY_MS),
        verdict=verdict(-0.002),
        plans=plans(0.05, 0.2),
        settings={"models": {"recipe": "tuned", "recurrent": {"units": [32]}}, "features": {"horizon_candles": 1}},
    )
    card = model_card(model, 7)
    assert card.startswith(f"# {model.version}\n")
    assert "BTCUSDT, ETHUSDT" in section(card, "Data")
    assert "9,600, 1970-01-01 00:00 to 1971-02-05 00:00 UTC" in section(card, "Data")
    figures = section(card, "Figures")
    assert "| **gru** | 5,000 | 0.5400 | 0.5600 | 0.2480 [0.2471, 0.2489] |" in figures
    assert "7 settings were judged on some of these candles" in figures
    assert '`recurrent`: `{"units": [32]}`' in section(card, "Settings")
    assert "cli.py train FILE... --type gru --symbol '*' --timeframe 1h --seed 1" in section(card, "How it is made")
    limits = section(card, "What it is not good for")
    assert "knows nothing of candles after 1971-02-05 01:00 UTC" in limits
    assert "7 settings" in limits
    # What it is good at is not held against it.
    for words in ("not surely better", "cannot be told from", "are off by", "predictions only"):
        assert words not in limits


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (make_metadata(verdict=verdict(-0.0005)), "not surely better than the share of rises"),
        (
            make_metadata(verdict=GateVerdict(serves="candidate", forced=True, reasons=("x",), comparisons=())),
            "A person",
        ),
        (make_metadata(metrics=make_scores(count=300)), "300 predictions only"),
        (make_metadata(metrics=make_scores(ece=0.06)), "off by 0.060"),
        (make_metadata(plans=plans(-0.1, 0.1)), "cannot be told from entries at random"),
        (make_metadata(data=None, metrics=None, verdict=None, seed=None), "the candles that it was trained on are not"),
        (make_metadata(shipped=True), "a number of trials that is not known here"),
    ],
)
def test_limits_follow_from_what_is_known_of_it(model: ModelMetadata, words: str) -> None:
    card = model_card(model, None)
    assert words in section(card, "What it is not good for")
    assert "Trials:" not in card


def test_an_ensemble_names_its_members() -> None:
    members = tuple(
        Member(version=f"{kind}_model_20260131_120000", type=kind, weight=0.5)
        for kind in (ModelType.GRU, ModelType.LOGISTIC)
    )
    card = model_card(make_metadata(ModelType.ENSEMBLE, members=members), None)
    assert "member: gru_model_20260131_120000, weight 0.500" in section(card, "Forecast")
    assert "## Columns" not in card


def test_what_comes_with_the_service_has_cards_too() -> None:
    shipped = ShippedVersions.of(configured(ModelSettings, shipped=True))
    assert shipped.root is not None
    versions = Registry(shipped.root).versions().models
    assert versions
    for model in versions:
        card = model_card(model, None)
        assert "cli.py models build-default FILES... --to " in section(card, "How it is made")
        assert "coins alone" in section(card, "Forecast")
        assert "it came with the service" in card


def test_the_card_of_a_plan_model_speaks_of_plans() -> None:
    model = make_metadata(
        ModelType.LOGISTIC,
        version="plan_logistic_model_20260131_120000",
        symbol="*",
        data=DATA,
        horizon_candles=240,
        judged_plans=model_record(plans=420, samples=3_000),
        verdict=verdict(-0.0005),
    )
    card = model_card(model, None, PLANS)
    assert "the target of a plan which the rules give comes before its stop, within 240 candles" in card
    assert "3,000 plans that reached target or stop, as good as 420 independent ones" in section(card, "Plans")
    assert "--target plan" in section(card, "How it is made")
    limits = section(card, "What it is not good for")
    assert "not surely better than the evidence" in limits
    assert "markets change, and nothing watches its drift" in limits
    assert "as many as 420 independent" in limits
    for words in ("share of rises", "the direction of the close", "each of them"):
        assert words not in card
