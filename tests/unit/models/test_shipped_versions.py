"""Versions that come with the service serve beneath those of one's own, for coins alone, and are never changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import AppError, InvalidRequest
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.aliases import Aliases, PromotedBy, Promotion, ScopeAliases
from models.registry.registry import Registry
from models.registry.shadowing import begin_shadow
from models.registry.shipped import ShippedVersions
from models.serving.loaded_models import LoadedModels
from tests.fixtures.forecasting import add_fitted, put_in_production
from tests.fixtures.models import NOON
from tests.fixtures.shipped import MADE, make_box

pytest_plugins = ["tests.fixtures.boxed"]
H1, H4 = Timeframe.H1, Timeframe.H4


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC-USD", "ETHUSDT.P", "1000PEPEUSDT", ANY_SYMBOL])
def test_a_coin_is_served_without_any_training(boxed: Registry, box: Path, symbol: str) -> None:
    strong, _ = make_box(box)
    assert (boxed.resolve(symbol, H1), boxed.resolve(symbol, H4)) == (strong, None)
    assert not boxed.root.exists()


@pytest.mark.parametrize("symbol", ["AAPL", "BRK-B", "PETR4.SA", "EURUSD=X", "EURUSD", "ES=F", "^GSPC"])
def test_what_is_no_coin_is_served_by_a_version_of_ones_own_alone(boxed: Registry, box: Path, symbol: str) -> None:
    make_box(box)
    assert boxed.resolve(symbol, H1) is None
    own = put_in_production(boxed, symbol=ANY_SYMBOL)
    assert boxed.resolve(symbol, H1) == own


def test_a_version_of_ones_own_goes_before_and_a_rollback_leads_back(boxed: Registry, box: Path) -> None:
    strong, _ = make_box(box)
    before = contents(box)
    for_btc = put_in_production(boxed, symbol="BTCUSDT")
    for_all = put_in_production(boxed, symbol=ANY_SYMBOL)
    assert [boxed.resolve(symbol, H1) for symbol in ("BTCUSDT", "ETHUSDT")] == [for_btc, for_all]
    assert boxed.rollback(ANY_SYMBOL, H1, reason="worse", at=NOON) == strong
    assert boxed.resolve("ETHUSDT", H1) == strong
    with pytest.raises(InvalidRequest, match=r"comes with the service .*; models\.shipped: false switches it off"):
        boxed.rollback(ANY_SYMBOL, H1, reason="none at all", at=NOON)
    assert boxed.rollback("BTCUSDT", H1, reason="worse", at=NOON) is None
    assert boxed.resolve("BTCUSDT", H1) == strong
    assert contents(box) == before
    assert strong not in (boxed.root / "aliases.json").read_text()


def test_the_versions_of_the_next_release_serve_after_a_rollback_too(
    boxed: Registry, box: Path, tmp_path: Path
) -> None:
    make_box(box)
    put_in_production(boxed, symbol=ANY_SYMBOL)
    boxed.rollback(ANY_SYMBOL, H1, reason="worse", at=NOON)
    newer, _ = make_box(tmp_path / "next")
    assert Registry(boxed.root, ShippedVersions(tmp_path / "next")).resolve("BTCUSDT", H1) == newer


def test_an_operator_may_promote_either_of_them(boxed: Registry, box: Path) -> None:
    strong, simple = make_box(box)
    with pytest.raises(InvalidRequest, match="already in production"):
        boxed.promote(strong, by="forced", reason="again", at=NOON)
    boxed.promote(simple, by="forced", reason="simpler", at=NOON)
    assert (boxed.resolve("BTCUSDT", H1), boxed.resolve("AAPL", H1)) == (simple, None)
    put_in_production(boxed, symbol=ANY_SYMBOL)
    boxed.promote(strong, by="forced", reason="better after all", at=NOON)
    assert boxed.resolve("BTCUSDT", H1) == strong


def test_they_are_listed_and_opened_and_never_pruned(boxed: Registry, box: Path) -> None:
    strong, simple = make_box(box)
    own = [add_fitted(boxed, symbol=ANY_SYMBOL, created_at=NOON + timedelta(hours=hour)).version for hour in range(3)]
    pruned = boxed.prune(1)
    assert pruned.deleted == (own[1], own[0])
    assert pruned.kept == (own[2],)
    listed = boxed.versions()
    assert {model.version: model.shipped for model in listed.models} == {own[2]: False, strong: True, simple: True}
    assert listed.models[0].version == own[2]
    assert boxed.verify(simple).data == boxed.open(strong).metadata.data


def test_the_first_version_of_ones_own_shadows_nothing(boxed: Registry, box: Path) -> None:
    make_box(box)
    assert begin_shadow(boxed, add_fitted(boxed, symbol=ANY_SYMBOL).version, "better", NOON) is False


def test_one_that_is_damaged_gives_way_to_the_other_and_then_to_none(boxed: Registry, box: Path) -> None:
    strong, simple = make_box(box)
    failures: list[AppError] = []

    def serving() -> str | None:
        found = LoadedModels(boxed, 5.0, lambda _, error: failures.append(error)).find("BTCUSDT", H1)
        return found.metadata.version if found else None

    assert serving() == strong
    (box / strong / "model.onnx").write_bytes(b"not the one that was shipped")
    assert (serving(), len(failures)) == (simple, 1)
    assert failures[0].message == f"{strong}: model.onnx is not the file that was written: its SHA-256 differs"
    (box / simple / "scaler.json").unlink()
    assert serving() is None


def test_a_damaged_one_of_ones_own_gives_way_to_them_for_coins_alone(boxed: Registry, box: Path) -> None:
    strong, _ = make_box(box)
    own = put_in_production(boxed, symbol=ANY_SYMBOL)
    (boxed.root / own / "model.onnx").unlink()
    loaded = LoadedModels(boxed, 5.0, lambda *_: None)
    found = loaded.find("BTCUSDT", H1)
    assert found is not None
    assert found.metadata.version == strong
    assert loaded.find("AAPL", H1) is None


def test_without_a_readable_file_of_aliases_none_of_them_serves_and_ones_own_do(boxed: Registry, box: Path) -> None:
    make_box(box)
    own = put_in_production(boxed, symbol="BTCUSDT")
    (box / "aliases.json").write_text("{")
    assert [boxed.resolve(symbol, H1) for symbol in ("BTCUSDT", "ETHUSDT")] == [own, None]
    damage = boxed.shipped.damage()
    assert damage is not None
    assert damage.startswith("box: aliases.json is unusable")


def test_a_replay_has_them_from_the_time_at_which_they_were_made(boxed: Registry, box: Path) -> None:
    strong, _ = make_box(box)
    own = put_in_production(boxed, symbol=ANY_SYMBOL)
    moments = (MADE - timedelta(days=1), MADE, NOON)
    served = [boxed.aliases().at(moment).serving("BTCUSDT", H1) for moment in moments]
    assert [of.production if of else None for of in served] == [None, strong, own]


def test_a_folder_that_is_not_there_has_none(boxed: Registry) -> None:
    assert (boxed.resolve("BTCUSDT", H1), boxed.versions().models, boxed.shipped.damage()) == (None, (), None)


NAMES = [f"lstm_model_20260101_00000{number}" for number in range(4)]
STEPS = st.lists(
    st.tuples(st.sampled_from(["gate", "forced", "rollback", "shadow"]), st.sampled_from([*NAMES, None])), max_size=8
)


@given(STEPS)
def test_what_comes_with_the_service_serves_exactly_where_nothing_of_ones_own_does(
    steps: list[tuple[PromotedBy, str | None]],
) -> None:
    history = tuple(Promotion(version=version, at=NOON, by=by, reason="a step") for by, version in steps)
    own = ScopeAliases(symbol=ANY_SYMBOL, timeframe=H1, history=history)
    shipped = ScopeAliases(
        symbol=ANY_SYMBOL,
        timeframe=H1,
        history=(Promotion(version="logistic_model_20250101_000000", at=MADE, by="gate", reason="better"),),
    )
    (above,) = Aliases(scopes=(own,)).above(Aliases(scopes=(shipped,))).scopes
    assert above.production == (own.production or shipped.production)
    assert above.line == (*shipped.line, *own.line)


def test_types_other_than_the_pooled_ones_stay_as_they_were(boxed: Registry) -> None:
    own = put_in_production(boxed, ModelType.LOGISTIC)
    assert (boxed.resolve("BTCUSDT", H1), boxed.resolve("ETHUSDT", H1)) == (own, None)
