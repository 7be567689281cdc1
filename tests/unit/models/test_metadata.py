"""What metadata accept, refuse, and carry through a file."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from pydantic import ValidationError

from domain.errors import InvalidRequest
from domain.forecasting import ModelType
from models.registry.metadata import Member, ModelMetadata
from models.registry.version_names import check_version_name, version_name
from tests.fixtures.models import NOON, make_metadata
from tests.fixtures.plan_records import make_record


def member(kind: ModelType, weight: float) -> Member:
    return Member(version=version_name(kind, NOON), type=kind, weight=weight)


def test_metadata_come_back_from_json_as_they_were() -> None:
    single = make_metadata(calibration={"kind": "sigmoid"}, files={"model.onnx": "0" * 64})
    ensemble = make_metadata(
        ModelType.ENSEMBLE, members=(member(ModelType.LSTM, 0.25), member(ModelType.XGBOOST, 0.75))
    )
    for metadata in (single, ensemble):
        assert ModelMetadata.model_validate_json(metadata.model_dump_json()) == metadata


def test_metadata_of_earlier_releases_have_no_record_of_plans() -> None:
    with_record = make_metadata(plans=make_record())
    assert ModelMetadata.model_validate_json(with_record.model_dump_json()) == with_record
    written = json.loads(make_metadata().model_dump_json())
    del written["plans"]
    assert ModelMetadata.model_validate_json(json.dumps(written)) == make_metadata()
    assert make_metadata().plans is None


def test_a_version_is_named_by_the_second_in_utc() -> None:
    hanoi = NOON.astimezone(timezone(timedelta(hours=7)))
    assert version_name(ModelType.LSTM, hanoi) == "lstm_model_20260131_120000"
    assert version_name(ModelType.RANDOM_FOREST, NOON, attempt=2) == "random_forest_model_20260131_120000_2"


@pytest.mark.parametrize("attempt", [1, 2, 10, 999])
@pytest.mark.parametrize("kind", ModelType)
def test_every_name_that_is_given_is_accepted(kind: ModelType, attempt: int) -> None:
    name = version_name(kind, NOON, attempt)
    assert check_version_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../lstm_model_20260131_120000",
        "/etc/passwd",
        "lstm_model_20260131_120000/../x",
        "lstm_model_20260131_120000/",
        "lstm_model_20260131_120000\n",
        "lstm_model_20260131_120000\0",
        ".unfinished_lstm_model_20260131_120000",
        "LSTM_model_20260131_120000",
        "lstm_model_2026\uff10131_120000",
        "lstm_model_20260131_120000_1234",
        "a" * 5000,
    ],
)
def test_a_path_is_no_name_of_a_version(name: str) -> None:
    with pytest.raises(InvalidRequest, match="is not the name of a version") as refused:
        check_version_name(name)
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("name", ["../model.onnx", "/model.onnx", "model/x.onnx", ".hidden", "model", "MODEL.ONNX", ""])
def test_a_listed_file_lies_within_the_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        make_metadata(files={name: "0" * 64})


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([(ModelType.LSTM, 0.5), (ModelType.GRU, 0.4)], "do not add up to 1"),
        ([(ModelType.LSTM, 0.5), (ModelType.LSTM, 0.5)], "one member of a type"),
        ([(ModelType.LSTM, 0.5), (ModelType.ENSEMBLE, 0.5)], "no member of another"),
    ],
)
def test_an_ensemble_that_could_not_answer_is_refused(members: list[tuple[ModelType, float]], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        make_metadata(ModelType.ENSEMBLE, members=tuple(member(*weighted) for weighted in members))


def test_a_version_is_either_a_model_or_an_ensemble() -> None:
    for kind in (ModelType.LSTM, ModelType.ENSEMBLE):
        with pytest.raises(ValidationError, match="an ensemble has members and no graph"):
            make_metadata(kind, graph=None, members=())
    with pytest.raises(ValidationError, match="an ensemble has members and no graph"):
        make_metadata(ModelType.LSTM, members=(member(ModelType.GRU, 1.0),))
    with pytest.raises(ValidationError, match="cannot be called"):
        make_metadata(ModelType.LSTM, version="gru_model_20260131_120000")


def test_the_horizon_that_is_judged_is_one_that_is_forecast() -> None:
    horizons = (1, 4, 16, 48)
    fitting = make_metadata(ModelType.PATCHTST, outputs="multi_horizon", horizons_candles=horizons, horizon_candles=16)
    assert fitting.horizon_candles == 16
    with pytest.raises(ValidationError, match="none of the horizons"):
        make_metadata(ModelType.PATCHTST, outputs="multi_horizon", horizons_candles=horizons, horizon_candles=2)
    with pytest.raises(ValidationError, match="name their horizons"):
        make_metadata(ModelType.PATCHTST, outputs="multi_horizon")
