"""The registry: promotions with their reasons, rollbacks, and what may be deleted."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import InvalidRequest, ModelCorrupt, ModelNotFound
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from tests.fixtures.models import NOON, add_ensemble, add_model, make_scores

pytest_plugins = ["tests.fixtures.registry"]
ROOT = Path(__file__).resolve().parents[3]
H1 = Timeframe.H1


def add(registry: Registry, hours: int, kind: ModelType = ModelType.LSTM, **changes: object) -> ModelMetadata:
    return add_model(registry, kind, created_at=NOON + timedelta(hours=hours), **changes)


def promote(registry: Registry, model: ModelMetadata, hours: int = 0) -> None:
    registry.promote(model.version, by="gate", reason="beats the prior", at=NOON + timedelta(hours=hours))


def test_an_empty_registry_answers(registry: Registry) -> None:
    assert registry.versions().models == ()
    assert registry.resolve("BTCUSDT", H1) is None
    assert registry.prune(1).deleted == ()


def test_versions_are_listed_newest_first_and_unusable_ones_apart(registry: Registry) -> None:
    old, new = add(registry, 0), add(registry, 5, ModelType.GRU)
    twice = [add(registry, 3).version for _ in range(11)]
    (registry.root / old.version / "metadata.json").write_text("{}")
    (registry.root / "notes.txt").write_text("not a version")
    (registry.root / ".unfinished_1").mkdir()
    listing = registry.versions()
    assert [model.version for model in listing.models] == [new.version, *reversed(twice)]
    assert list(listing.unusable) == [old.version]
    assert "metadata.json is not the file that was written" in listing.unusable[old.version]


def test_two_versions_are_compared_figure_by_figure(registry: Registry) -> None:
    first = add(registry, 0, metrics=make_scores(brier=0.25, auc=None))
    second = add(registry, 1, metrics=make_scores(brier=0.24, auc=0.55), parameters=40)
    comparison = registry.compare(first.version, second.version)
    figures = {figure.name: figure for figure in comparison.figures}
    assert figures["brier"].difference == pytest.approx(-0.01)
    assert (figures["auc"].first, figures["auc"].second, figures["auc"].difference) == (None, 0.55, None)
    assert figures["parameters"].difference == -60
    assert comparison.same_data
    elsewhere = add(registry, 2, symbol="ETHUSDT")
    assert not registry.compare(first.version, elsewhere.version).same_data
    imported = add(registry, 3, data=None, metrics=None, verdict=None)
    against_unknown = registry.compare(first.version, imported.version)
    assert {figure.name: figure.second for figure in against_unknown.figures}["brier"] is None
    assert not against_unknown.same_data
    with pytest.raises(ModelNotFound):
        registry.compare(first.version, "lstm_model_20200101_000000")


def test_the_most_specific_production_serves(registry: Registry) -> None:
    pooled, own = add(registry, 0, symbol=ANY_SYMBOL), add(registry, 1)
    promote(registry, pooled)
    assert registry.resolve("BTCUSDT", H1) == registry.resolve("ETHUSDT", H1) == pooled.version
    promote(registry, own)
    assert registry.resolve("BTCUSDT", H1) == own.version
    assert registry.resolve("ETHUSDT", H1) == pooled.version
    assert registry.resolve("BTCUSDT", Timeframe.H4) is None
    # Without one of its own again, the symbol is served by the pooled one.
    assert registry.rollback("BTCUSDT", H1, reason="worse", at=NOON) is None
    assert registry.resolve("BTCUSDT", H1) == pooled.version


def test_history_tells_when_by_whom_and_why(registry: Registry) -> None:
    first, second = add(registry, 0), add(registry, 1)
    promote(registry, first)
    registry.promote(second.version, by="forced", reason="  a trial  ", at=NOON + timedelta(hours=1))
    registry.rollback("BTCUSDT", H1, reason="lost money", at=NOON + timedelta(hours=2))
    history = Registry(registry.root).aliases().of("BTCUSDT", H1).history
    assert [(promotion.version, promotion.at - NOON, promotion.by, promotion.reason) for promotion in history] == [
        (first.version, timedelta(0), "gate", "beats the prior"),
        (second.version, timedelta(hours=1), "forced", "a trial"),
        (first.version, timedelta(hours=2), "rollback", "lost money"),
    ]


def test_history_tells_what_was_in_production_at_a_moment(registry: Registry) -> None:
    first, second = (add_model(registry).version for _ in range(2))
    registry.promote(first, by="gate", reason="better", at=NOON)
    registry.promote(second, by="forced", reason="wanted", at=NOON + timedelta(hours=2))
    registry.rollback("BTCUSDT", H1, reason="worse", at=NOON + timedelta(hours=4))
    registry.rollback("BTCUSDT", H1, reason="worse too", at=NOON + timedelta(hours=6))
    aliases, found = registry.aliases(), []
    for hours in (-1, 0, 1, 2, 3, 4, 5, 6, 7):
        then = aliases.at(NOON + timedelta(hours=hours)).serving("BTCUSDT", H1)
        found.append(then.production if then else None)
        assert then is None or then.earlier == ()  # nothing else stands in for it
    assert found == [None, first, first, second, second, first, first, None, None]


def test_rolling_back_goes_further_back_each_time(registry: Registry) -> None:
    models = [add(registry, hour) for hour in range(3)]
    for model in models:
        promote(registry, model)
    found = [registry.rollback("BTCUSDT", H1, reason="worse", at=NOON) for _ in models]
    assert found == [models[1].version, models[0].version, None]
    with pytest.raises(InvalidRequest, match="nothing is in production for BTCUSDT 1h"):
        registry.rollback("BTCUSDT", H1, reason="worse", at=NOON)
    # What was rolled back is not gone back to later.
    promote(registry, models[2])
    assert registry.rollback("BTCUSDT", H1, reason="worse", at=NOON) is None


def test_a_version_is_candidate_until_it_is_promoted(registry: Registry) -> None:
    first, second = add(registry, 0), add(registry, 1)
    registry.nominate(first.version)
    registry.nominate(second.version)
    assert registry.aliases().of("BTCUSDT", H1).candidate == second.version
    promote(registry, first)
    assert registry.aliases().of("BTCUSDT", H1).candidate == second.version
    promote(registry, second)
    assert registry.aliases().of("BTCUSDT", H1).candidate is None
    assert registry.resolve("BTCUSDT", H1) == second.version


def test_what_may_not_be_promoted_changes_nothing(registry: Registry) -> None:
    serving, damaged = add(registry, 0), add(registry, 1)
    member = add(registry, 2, ModelType.GRU)
    ensemble = add_ensemble(registry, (serving, 0.5), (member, 0.5))
    promote(registry, serving)
    for model in (damaged, member):
        (registry.root / model.version / "model.onnx").write_bytes(b"")
    for model in (damaged, ensemble):
        with pytest.raises(ModelCorrupt, match=r"model\.onnx"):
            promote(registry, model)
    with pytest.raises(InvalidRequest, match="already in production for BTCUSDT 1h"):
        promote(registry, serving)
    for reason in ("", "  ", "x" * 1001):
        with pytest.raises(InvalidRequest, match="needs a reason of 1 to 1000 characters"):
            registry.promote(damaged.version, by="forced", reason=reason, at=NOON)
    with pytest.raises(ModelNotFound):
        registry.promote("gru_model_20200101_000000", by="gate", reason="new", at=NOON)
    with pytest.raises(InvalidRequest, match="is not the name of a version"):
        registry.promote("../../etc/passwd", by="gate", reason="new", at=NOON)
    assert [promotion.version for promotion in registry.aliases().of("BTCUSDT", H1).history] == [serving.version]


def test_a_damaged_version_is_not_rolled_back_to(registry: Registry) -> None:
    first, second = add(registry, 0), add(registry, 1)
    promote(registry, first)
    promote(registry, second)
    (registry.root / first.version / "scaler.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match=first.version):
        registry.rollback("BTCUSDT", H1, reason="worse", at=NOON)
    assert registry.resolve("BTCUSDT", H1) == second.version


def test_pruning_keeps_the_newest_of_each_symbol_and_timeframe(registry: Registry) -> None:
    btc = [add(registry, hour).version for hour in range(4)]
    eth = [add(registry, hour, symbol="ETHUSDT").version for hour in range(2)]
    daily = add(registry, 0, timeframe=Timeframe.D1).version
    (registry.root / "notes.txt").write_text("not a version")
    pruned = registry.prune(2)
    assert set(pruned.deleted) == set(btc[:2])
    assert set(pruned.kept) == {*btc[2:], *eth, daily} == {model.version for model in registry.versions().models}
    assert (registry.root / "notes.txt").exists()
    assert not list(registry.root.glob(".unfinished_*"))
    assert registry.prune(2).deleted == ()


def test_versions_in_production_and_candidates_are_never_pruned(registry: Registry) -> None:
    forgotten, before, serving, candidate = (add(registry, hour) for hour in range(4))
    for model in (forgotten, before, serving):
        promote(registry, model)
    registry.nominate(candidate.version)
    newest = add(registry, 9)
    pruned = registry.prune(1)
    assert pruned.deleted == (forgotten.version,)
    assert pruned.kept == (newest.version, candidate.version, serving.version, before.version)
    assert registry.rollback("BTCUSDT", H1, reason="worse", at=NOON) == before.version
    # The one before that is gone: nothing serves then, rather than something that is not there.
    assert registry.rollback("BTCUSDT", H1, reason="worse", at=NOON) is None


def test_members_of_an_ensemble_stay_as_long_as_it_does(registry: Registry) -> None:
    members = [add(registry, 0), add(registry, 1, ModelType.GRU), add(registry, 2, ModelType.XGBOOST)]
    ensemble = add_ensemble(registry, (members[0], 0.5), (members[1], 0.5), created_at=NOON + timedelta(hours=3))
    promote(registry, ensemble)
    newest = add(registry, 9)
    assert registry.prune(1).deleted == (members[2].version,)
    promote(registry, newest)
    assert registry.prune(1).deleted == ()  # a rollback would need them
    third = add(registry, 10)
    promote(registry, third)
    assert set(registry.prune(1).deleted) == {ensemble.version, members[0].version, members[1].version}


def test_a_version_that_cannot_be_read_is_left_for_a_person(registry: Registry) -> None:
    damaged = add(registry, 0)
    newer = add(registry, 1)
    (registry.root / damaged.version / "metadata.json").write_text("{}")
    assert registry.prune(1).kept == (newer.version, damaged.version)
    assert (registry.root / damaged.version).is_dir()


def test_an_ensemble_needs_registered_members(registry: Registry) -> None:
    member = add(registry, 0)
    gone = member.model_copy(update={"version": "gru_model_20200101_000000", "type": ModelType.GRU})
    with pytest.raises(ModelNotFound, match="there is no version gru_model_20200101_000000"):
        add_ensemble(registry, (member, 0.5), (gone, 0.5))
    assert len(registry.versions().models) == 1


@pytest.mark.parametrize("content", ["", "{", '{"scopes": 1}', '{"scopes": [{"symbol": "../x", "timeframe": "1h"}]}'])
def test_unreadable_aliases_are_refused_and_left_alone(registry: Registry, content: str) -> None:
    model = add(registry, 0)
    (registry.root / "aliases.json").write_text(content)
    for use in (lambda: registry.resolve("BTCUSDT", H1), lambda: registry.prune(1), lambda: promote(registry, model)):
        with pytest.raises(ModelCorrupt, match=r"aliases\.json"):
            use()
    assert (registry.root / "aliases.json").read_text() == content
    assert len(registry.versions().models) == 1


PROMOTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from models.registry.registry import Registry

registry = Registry(Path(sys.argv[1]))
for version in sys.argv[2:]:
    registry.promote(version, by="forced", reason="concurrent", at=datetime.now(UTC))
    registry.nominate(version)
    registry.prune(50)
"""


def test_processes_and_threads_lose_no_promotion(registry: Registry) -> None:
    timeframes = list(Timeframe)[:4]
    versions = [[add(registry, hour, timeframe=timeframe).version for hour in range(5)] for timeframe in timeframes]
    shared = [add(registry, hour, symbol="ETHUSDT").version for hour in range(3)]
    commands = [
        [sys.executable, "-c", PROMOTER, str(registry.root), *own, shared[number]]
        for number, own in enumerate(versions[:3])
    ]
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(lambda version: registry.promote(version, by="gate", reason="concurrent", at=NOON), versions[3])
        )
    assert [process.wait() for process in processes] == [0, 0, 0]
    aliases = registry.aliases()
    for timeframe, own in zip(timeframes, versions, strict=True):
        history = [promotion.version for promotion in aliases.of("BTCUSDT", timeframe).history]
        assert sorted(history, key=str) == sorted(own)
    assert {promotion.version for promotion in aliases.of("ETHUSDT", H1).history} == set(shared)
    assert len(registry.versions().models) == 23
