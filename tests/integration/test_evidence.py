"""Evidence as users meet it: on the command line, in settings, and in answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import cli
from config.backtest_settings import TradingSettings
from domain.errors import ConfigurationError, InsufficientData, InvalidMarketData, InvalidRequest
from domain.market import Timeframe
from services.evidence.file import open_weigher, read_evidence
from tests.conftest import MakeClient
from tests.fixtures.bodies import base_path, shape_a, wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.histories import simulated
from tests.fixtures.settings import configured


def run(*arguments: object) -> str:
    found = CliRunner().invoke(cli, ["evidence", *map(str, arguments)], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_evidence_of_a_random_walk_is_none_and_is_held_against_other_candles(tmp_path: Path) -> None:
    walk, other = (
        write_candles(tmp_path / f"{name}USDT-1h.csv", simulated(seed, count=5_500))
        for name, seed in (("BTC", 1), ("ETH", 2))
    )
    built = json.loads(run("build", walk, "--timeframes", "4h, 1h", "--out", tmp_path / "evidence.json", "--json"))
    (record,) = built["records"]
    assert abs(record["weight"]) < 3 * record["error"]
    assert record["built_from"].startswith("BTCUSDT, 1h, 2023-11 to 2024-")
    assert record["samples"] > record["plans"] > 0
    assert list(built["left_out"]) == ["4h"]  # of 33 weeks
    assert read_evidence(str(tmp_path / "evidence.json")) is not None
    table = run("show", "--evidence", tmp_path / "evidence.json", "--plot", tmp_path / "records")
    assert "trend_following" in table
    assert "4h has no record: evidence of 4h candles needs plans of 104 weeks" in table
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["strategies-1h.png"]
    pictures = "--plot", tmp_path / "pictures"
    found = json.loads(run("check", other, "--evidence", tmp_path / "evidence.json", *pictures, "--json"))
    assert sorted(map(str, (tmp_path / "pictures").iterdir())) == sorted(found["pictures"])
    assert len(found["pictures"]) == 4
    (market,) = found["markets"]
    assert market["market"] == "ETHUSDT 1h"
    assert 0.15 < market["stated"] < 0.5  # some dozens of plans: chance
    assert market["above_random_r"]["low"] < 0.1


def test_few_candles_are_no_evidence(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(1, count=800))
    with pytest.raises(InsufficientData, match="needs plans of 26 weeks"):
        CliRunner().invoke(cli, ["evidence", "build", str(file)], catch_exceptions=False)


def test_a_timeframe_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(1, count=200))
    with pytest.raises(InvalidRequest, match="--timeframes: '7h' is no timeframe; there are 1m, "):
        CliRunner().invoke(cli, ["evidence", "build", str(file), "--timeframes", "1h,7h"], catch_exceptions=False)
    with pytest.raises(InvalidMarketData, match="15m candles cannot be made from 1h candles"):
        CliRunner().invoke(cli, ["evidence", "build", str(file), "--timeframes", "15m"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"trading\.evidence_file: .*evidence\.json: No such file"),
        ("{}", r"trading\.evidence_file: .*evidence\.json is no evidence: built_at: needs a value"),
        ("[1", r"trading\.evidence_file: .* is no evidence: is no JSON"),
    ],
)
def test_a_file_that_is_no_evidence_stops_the_start(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "evidence.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        open_weigher(configured(TradingSettings, evidence_file=str(path)))


@pytest.mark.parametrize("command", [("show",), ("check", "{file}")])
def test_a_file_that_a_command_names_is_refused_by_the_name_of_its_option(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(1, count=200))
    arguments = [part.format(file=file) for part in command]
    with pytest.raises(ConfigurationError, match=r"^--evidence: .*nofile\.json: No such file"):
        run(*arguments, "--evidence", tmp_path / "nofile.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"^--evidence: .*other\.json is no evidence"):
        run(*arguments, "--evidence", tmp_path / "other.json")


def test_costs_of_a_request_change_what_its_plan_is_worth(make_client: MakeClient) -> None:
    client = make_client()
    answers = {}
    for bps in (None, 0, 50):
        body = shape_a() | ({} if bps is None else {"costs": {"fee_bps": bps, "slippage_bps": 0}})
        answers[bps] = client.post("/ai/analyze", json=body).json()
        assert answers[bps]["cached"] is False
    usual, free, dear = (answers[bps]["evidence"] for bps in (None, 0, 50))
    assert (usual["cost_bps"], free["cost_bps"], dear["cost_bps"]) == (12, 0, 100)
    assert free["expected_r"] > usual["expected_r"] > dear["expected_r"]
    assert free["gross_bps"] == usual["gross_bps"] == dear["gross_bps"]
    assert client.post("/ai/analyze", json=shape_a()).json()["cached"] is True


@pytest.mark.parametrize(
    ("timeframe", "measured"), [("15m", "1h"), ("30m", "1h"), ("1h", "1h"), ("4h", "4h"), ("8h", "4h")]
)
def test_a_plan_is_weighed_by_the_record_of_its_timeframe_or_of_the_nearest(
    make_client: MakeClient, timeframe: str, measured: str
) -> None:
    path = base_path(drift=0.1)
    series = path if timeframe == "15m" else path.resample(Timeframe(timeframe))
    body = shape_a(timeframe_data={timeframe: wire_candles(series, 100)}, current_price=path.candles[-1].close)
    evidence = make_client().post("/ai/analyze", json=body).json()["evidence"]
    assert evidence["built_from"] == f"8 markets, {measured}, 2017-08 to 2022-12"
    assert evidence["plans"] == {"1h": 2_780, "4h": 929}[measured]


@pytest.mark.parametrize(
    "costs", [{"fee_bps": -1, "slippage_bps": 0}, {"fee_bps": 5}, {"fee_bps": 5000, "slippage_bps": 0}, 5]
)
def test_costs_that_are_none_are_refused(make_client: MakeClient, costs: object) -> None:
    answer = make_client().post("/ai/analyze", json=shape_a() | {"costs": costs})
    assert answer.status_code == 422
    assert "costs" in answer.json()["detail"]


def test_without_evidence_the_confidence_is_agreement_and_the_answer_says_so(make_client: MakeClient) -> None:
    answer = make_client(trading={"evidence_file": ""}).post("/ai/analyze", json=shape_a()).json()
    assert (answer["evidence"]["verdict"], answer["evidence"]["plans"]) == ("insufficient", 0)
    assert "was not measured" in answer["reasoning"]
    assert answer["confidence"] <= 0.6
