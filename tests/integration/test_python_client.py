"""The Python client: its types against the OpenAPI document, its calls and its socket against a running service."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from trading_signal_client import AsyncClient, Client, Problem, answers, calls, read_admin_token
from websockets.exceptions import InvalidStatus

from servers.process import free_port
from tests.fixtures.bodies import shape_a
from tests.fixtures.openapi_document import openapi_document
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.service import ROOT, Service, running_service

ADMIN, WRONG = "key-of-the-admin", "key-of-no-one"
CLOSED: dict[str, Any] = {
    "entry_price": 3050.2,
    "exit_price": 3004.9,
    "quantity": 0.8,
    "leverage": 5,
    "pnl_usdt": -36.24,
}
EVERY_CALL: list[calls.Call[Any]] = [
    calls.analyze("BTCUSDT"),
    calls.predict("BTCUSDT"),
    calls.predict_trend("BTCUSDT"),
    calls.forecast("BTCUSDT"),
    calls.signals(["BTCUSDT"]),
    calls.market_condition("BTCUSDT"),
    calls.market_condition_health(),
    calls.strategy_recommendations("BTCUSDT"),
    calls.feedback("1", "BTCUSDT", "Long", "success", profit_loss=1.5, confidence_was_accurate=True),
    calls.analyze_trade("1", "BTCUSDT", "Long", **CLOSED, pnl_percentage=-7.43),
    calls.performance(),
    calls.signal_quality(),
    calls.track_record(lane="rules", symbol="BTCUSDT", timeframe="1h", horizon="plan"),
    calls.track_record_picture(lane="rules", symbol="BTCUSDT", timeframe="1h", horizon="plan"),
    calls.calibration_picture(lane="rules", timeframe="1h"),
    calls.candles("BTCUSDT", "4h", limit=200),
    calls.read_candles(b"timestamp,open", name="a.csv", symbol="BTCUSDT", timeframe="1h", limit=200),
    calls.analyses("BTCUSDT", cursor="1700000000000~4f.rules"),
    calls.log(50, "WARNING"),
    calls.lanes(),
    calls.newest_signals(),
    calls.evidence(),
    calls.ledger(
        lane="rules",
        lane_id="0123456789ab",
        symbol="BTCUSDT",
        timeframe="1h",
        side="Long",
        kind="side",
        origin="api",
        given=True,
        scored=True,
        since=1_700_000_000_000,
        until=1_800_000_000_000,
        cursor="1700000000000~4f.rules",
    ),
    calls.ledger_entry("4f.rules"),
    calls.ledger_proof("4f.rules"),
    calls.ledger_days(),
    calls.ledger_export(date(2026, 11, 1), "parquet"),
    calls.ledger_parity(),
    calls.replay("BTCUSDT", 1_700_000_000_000, timeframes=["1h"]),
    calls.analyze_config(),
    calls.config_suggestions(),
    calls.decide_suggestion("s-1", True),
    calls.self_analyses(),
    calls.strategies(),
    calls.strategy_records("4h"),
    calls.info(),
    calls.health(),
    calls.safe_mode(),
    calls.switch_safe_mode(True, "wrong prices"),
    calls.disabled_parts(),
    calls.switch_part("RSI Strategy", True, "it loses"),
    calls.config(),
    calls.models(),
    calls.model_card("lstm_model_20260131_120000", horizon_candles=4),
    calls.model_drift(),
    calls.model("lstm_model_20260131_120000", horizon_candles=4),
    calls.model_info(),
    calls.train("BTCUSDT"),
    calls.backtest(["BTCUSDT"]),
    calls.optimise(["BTCUSDT"]),
    calls.evaluate("BTCUSDT"),
    calls.measure_evidence(["BTCUSDT"], task="check"),
    calls.bias_lookahead("BTCUSDT"),
    calls.bias_recursive("BTCUSDT"),
    calls.promote_model("lstm_model_20260131_120000", "better", horizon_candles=4),
    calls.roll_back_model("BTCUSDT", "1h", "worse", target="plan"),
    calls.load_model("lstm_model_20260131_120000"),
    calls.verify_model(),
    calls.clean_up_models(),
    calls.jobs(50, status="failed", kind="train"),
    calls.job("a b/c"),
    calls.cancel_job("1"),
    calls.retry_job("1"),
    calls.schedule(),
    calls.analyze_many(["BTCUSDT"]),
    calls.download_candles(["BTCUSDT"], "1h", 1_700_000_000_000, 1_710_000_000_000, "binance"),
    calls.drill(5, 2, timeframe="4h", edge=0.5, correlation=0.2, seed=3),
    calls.settle(),
    calls.certify_parity(date(2026, 11, 1)),
    calls.remove_old_documents(),
    calls.queue_model_cleanup(3),
    calls.retrain_models(full=True),
    calls.recalibrate_models(full=True),
    calls.review_itself(),
    calls.report_health(),
    calls.report_portfolio(),
    calls.report_costs(),
    calls.report_performance(),
    calls.storage_stats(),
    calls.clear_cache(),
    calls.remove_candles("BTCUSDT", "1h"),
    calls.forecast_cache(),
    calls.clear_forecast_cache("PETR4.SA"),
    calls.costs(),
    calls.probe_llm(),
    calls.reports("health"),
    calls.report("0" * 32),
    calls.notices(),
    calls.dead_letters(),
    calls.retry_dead_letter("0" * 32),
]
# The same in the words of other clients, parts of `forecast`, and what is for machines that watch.
LEFT_OUT = {
    "analyze_in_percent",
    "analyze_chart",
    "predict_in_percent",
    "train",
    "ml_train",
    "ml_models",
    "ml_predict_price",
    "ml_predict_signal",
    "ml_disclaimer",
    "index",
    "livez",
    "readyz",
    "metrics",
    "job_train",
    "job_bias_lookahead",
    "job_bias_recursive",
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Serve without models, with a token for the administrator."""
    with running_service(ADMIN_TOKEN=ADMIN, RATE_LIMITS="off") as running:
        yield running


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Follow references; of several answers in words of different clients the first is the client's."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def misfits(server: dict[str, Any], client: dict[str, Any], own: dict[str, Any], where: str) -> list[str]:
    """Return the places where the service may send a value that the client does not expect."""
    known = openapi_document()["components"]["schemas"]
    server, client = resolved(server, known), resolved(client, own)
    if "anyOf" in server:
        return [found for choice in server["anyOf"] for found in misfits(choice, client, own, where)]
    if "anyOf" in client:
        found = [misfits(server, choice, own, where) for choice in client["anyOf"]]
        return [] if [] in found else found[0]
    values, expected = (
        schema.get("enum", [schema["const"]] if "const" in schema else []) for schema in (server, client)
    )
    if expected:
        return [] if values and set(values) <= set(expected) else [f"{where}: {values} are not all in {expected}"]
    kinds = {client.get("type")} | ({"integer"} if client.get("type") == "number" else set())
    if ("type" in client and server.get("type") not in kinds) or client.get("format", "") != server.get("format", ""):
        return [f"{where}: {server.get('type')} is sent, {client.get('type')} {client.get('format', '')} expected"]
    if "properties" in client:
        missing = [
            f"{where}.{name} is not always there" for name in client["required"] if name not in server["required"]
        ]
        parts = [(name, server["properties"].get(name, {}), part) for name, part in client["properties"].items()]
        return missing + [found for name, one, part in parts for found in misfits(one, part, own, f"{where}.{name}")]
    for inner in ("items", "additionalProperties"):
        if isinstance(client.get(inner), dict):
            return misfits(server[inner], client[inner], own, f"{where}.{inner}")
    return []


@pytest.mark.parametrize("call", EVERY_CALL, ids=lambda call: call.operation)
def test_every_call_is_one_of_the_document_and_its_answer_has_the_documents_types(call: calls.Call[Any]) -> None:
    operation = openapi_document()["paths"][call.template][call.method.lower()]
    assert operation["operationId"] == call.operation
    answer = next(response for status, response in operation["responses"].items() if status.startswith("2"))
    if call.answer in {str, bytes}:
        schemas = [media["schema"] for media in answer["content"].values()]
        assert {(schema["type"], schema.get("format")) for schema in schemas} == {
            ("string", "binary" if call.answer is bytes else None)
        }
        return
    schema = answer["content"]["application/json"]["schema"]
    if call.operation == "analyze":  # the other answer is that of an engine's own loop, which this client is not
        schema = schema["anyOf"][0]
    expected = call.answer.model_json_schema(mode="serialization")
    assert misfits(schema, expected, expected.get("$defs", {}), call.operation) == []


def test_the_comparison_of_types_finds_what_is_wrong() -> None:
    server = {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}, "b": {"type": "string"}}}
    for properties, found in (
        ({"a": {"type": "number"}}, 0),
        ({"a": {"type": "integer"}}, 1),
        ({"a": {"enum": [1]}}, 1),
        ({"b": {"type": "string"}}, 1),
        ({"b": {"type": "string", "format": "date-time"}}, 2),
        ({"c": {"type": "string"}}, 2),
    ):
        client = {"type": "object", "required": list(properties), "properties": properties}
        assert len(misfits(server, client, {}, "here")) == found, properties


def test_every_function_of_the_module_is_checked() -> None:
    asked = {name for name, value in vars(calls).items() if callable(value) and name.islower() and name[0] != "_"}
    assert len(asked) == len(EVERY_CALL)
    assert all("return" in get_type_hints(getattr(calls, name)) for name in asked)


def test_every_operation_of_the_document_can_be_asked_or_is_left_out_on_purpose() -> None:
    documented = {
        operation["operationId"]: operation for by in openapi_document()["paths"].values() for operation in by.values()
    }
    asked = {call.operation for call in EVERY_CALL}
    assert asked | LEFT_OUT == set(documented)
    assert not asked & LEFT_OUT
    for call in EVERY_CALL:
        known = {parameter["name"] for parameter in documented[call.operation].get("parameters", [])}
        asked_with = {*call.parameters, *call.query, *(call.named("1").headers if "Idempotency-Key" in known else ())}
        assert asked_with == known, call.operation


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if call.body], ids=lambda call: call.operation)
def test_a_call_can_say_everything_that_the_body_of_its_route_takes(call: calls.Call[Any]) -> None:
    document = openapi_document()
    operation = document["paths"][call.template][call.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    taken = set(resolved(schema, document["components"]["schemas"])["properties"])
    # Accepted for the sake of other clients, without effect here.
    idle = {"ai_train": {"retrain"}, "predict": {"strategy_context"}}
    assert set(call.body or {}) == taken - idle.get(call.operation, set())


def test_parameters_cannot_leave_their_place_in_the_path() -> None:
    assert calls.job("a b/../c?d").path == "/jobs/a%20b%2F..%2Fc%3Fd"


def test_job_with_a_name_is_queued_once(service: Service) -> None:
    with Client(service.url, ADMIN) as client:
        first, again = (client.send(calls.settle().named("the one")) for _ in range(2))
        assert first.job_id == again.job_id
        assert client.send(calls.settle()).job_id != first.job_id
        done = client.send(calls.jobs(kind="settle"))
        assert len(done.jobs) == 2


def test_a_market_is_analyzed_and_forecast(service: Service) -> None:
    body = shape_a()
    with Client(service.url) as client:
        analysis = client.send(calls.analyze("ETHUSDT", body["timeframe_data"], strategies=["RSI Strategy"]))
        assert (analysis.symbol, analysis.source_data, list(analysis.strategy_scores)) == (
            "ETHUSDT",
            "client",
            ["RSI Strategy"],
        )
        assert client.send(calls.analyze("ETHUSDT")).source_data in {"stored", "synthetic"}
        assert client.send(calls.predict_trend("ETHUSDT")).timeframe == "4h"
        forecast = client.send(calls.forecast("BTCUSDT", "1d", steps=7))
        assert len(forecast.price.forecasts) == 7
        assert forecast.signal is None
        assert client.send(calls.strategies()).strategies
        assert "BTCUSDT" in client.send(calls.info()).supported_symbols
        assert client.send(calls.health()).status == "healthy"
        assert client.send(calls.models()).models == []


def test_a_batch_a_condition_and_strategies_of_candles_that_the_client_has(service: Service) -> None:
    candles: Any = {"15m": shape_a(drift=0.4)["timeframe_data"]["15m"]}
    with Client(service.url) as client:
        batch = client.send(calls.signals(["BTCUSDT", "ETHUSDT"], {"BTCUSDT": candles}))
        answered = [signal.symbol for signal in batch.signals] + [signal.symbol for signal in batch.withheld]
        assert sorted(answered) == ["BTCUSDT", "ETHUSDT"]
        condition = client.send(calls.market_condition("BTCUSDT", candles))
        assert (condition.condition_type, condition.source_data) == ("Bullish", "client")
        found = client.send(calls.strategy_recommendations("BTCUSDT", candles, strategies=["RSI Strategy"])).root
        assert [strategy.strategy_name for strategy in found] == ["RSI Strategy"]


def test_an_outcome_a_trade_and_what_they_add_up_to(service: Service) -> None:
    outcome = calls.feedback("own-1", "BTCUSDT", "Long", "success", profit_loss=1.5, confidence_was_accurate=True)
    with Client(service.url, token=ADMIN) as client:
        assert client.send(outcome).signal_id == "own-1"
        assert client.send(calls.performance()).feedback.predictions_made == 1
        trade = calls.analyze_trade("t-1", "BTCUSDT", "Long", **CLOSED, pnl_percentage=-7.43)
        assert client.send(trade).status == "accepted"
        assert client.send(calls.signal_quality(limit=1)).total <= 1
        analysis = client.send(calls.analyze_config())
        assert (analysis.success, analysis.suggestions) == (False, None)
        assert client.send(calls.config_suggestions(limit=5, days=7)).suggestions == []
        assert client.send(calls.self_analyses()).analyses == []


def test_an_operator_sees_what_there_is(service: Service) -> None:
    with Client(service.url, token=ADMIN) as client:
        assert client.send(calls.model_info()).model_type == "none"
        assert client.send(calls.clean_up_models(keep=3)).deleted_models == 0
        assert client.send(calls.track_record_picture(days=7)).startswith("<svg")
        day = client.send(calls.ledger_export(datetime.now(UTC).date()))
        assert b'"record":"day"' in day
        assert client.send(calls.jobs()).complete
        assert client.send(calls.storage_stats()).store == "sqlite"
        assert client.send(calls.remove_candles("NEVERSEEN")).removed_candles == 0
        assert client.send(calls.costs()).today.total_requests == 0
        assert client.send(calls.probe_llm()).status == "failed"
        assert client.send(calls.reports("cost", limit=1)).reports == []
        assert client.send(calls.notices(limit=1)).notices == []
        assert client.send(calls.dead_letters(limit=1)).dead_letters == []
        assert client.send(calls.config()).engine_settings.applied == {}
        assert client.send(calls.switch_safe_mode(True, "wrong prices")).changed_at
        refused = client.send(calls.analyze("ETHUSDT"))
        assert (refused.signal, refused.gates[0].name, refused.gates[0].passed) == ("Neutral", "safe_mode", False)
        assert not client.send(calls.switch_safe_mode(False)).enabled
        assert client.send(calls.safe_mode()).reason is None
        assert client.send(calls.switch_part("RSI Strategy", True, "it loses")).by == "admin"
        assert client.send(calls.disabled_parts()).disabled == ["RSI Strategy"]
        assert not client.send(calls.switch_part("RSI Strategy", False)).disabled
        with pytest.raises(Problem, match="there is no suggestion"):
            client.send(calls.decide_suggestion("unknown", True))
        assert client.send(calls.clear_forecast_cache("PETR4.SA")).ticker == "PETR4.SA"
        assert client.send(calls.forecast_cache()).max_markets > 0
        with pytest.raises(Problem) as caught:
            client.send(calls.model("lstm_model_20260131_120000"))
        assert caught.value.status == 404


def test_a_refusal_is_a_problem_that_says_why(service: Service) -> None:
    with Client(service.url) as client:
        refused: list[tuple[calls.Call[Any], int, str]] = [
            (calls.predict("BTCUSDT"), 503, "no model is in production"),
            (calls.analyze("not a symbol"), 422, "symbol"),
            (calls.forecast("PETR4.SA", "1d"), 404, "no source knows PETR4.SA"),
            (calls.clear_cache(), 401, "Authorization"),
            (calls.train("BTCUSDT"), 401, "Authorization"),
        ]
        for call, status, words in refused:
            with pytest.raises(Problem, match=words) as caught:
                client.send(call)
            assert caught.value.status == status
            assert caught.value.request_id


async def test_the_awaited_client_asks_the_same(service: Service) -> None:
    async with AsyncClient(service.url, token=ADMIN) as client:
        first, second = await asyncio.gather(
            client.send(calls.analyze("SOLUSDT")), client.send(calls.analyze("SOLUSDT"))
        )
        assert first.analysis_id == second.analysis_id
        assert (await client.send(calls.clear_cache())).cleared_analyses >= 0
        with pytest.raises(Problem) as caught:
            await client.send(calls.job("0" * 32))
        assert caught.value.status == 404


async def test_signals_go_on_after_the_service_was_restarted() -> None:
    port = free_port()
    async with asyncio.timeout(COMMAND_SECONDS):
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            signals = client.signals(["BTCUSDT"])
            for _ in range(2):
                with running_service(port=port, RATE_LIMITS="off"):
                    signal = await _next_signal(client, signals)
                    assert (signal.symbol, signal.source_data) == ("BTCUSDT", "synthetic")


def test_the_waiting_client_gets_signals_too(service: Service) -> None:
    with Client(service.url) as client, Client(service.url) as other:
        signals = client.signals(["BTCUSDT"])
        # The socket is opened with the first `next`, so that another thread has to ask meanwhile.
        asking = asyncio.run(_first_of(signals, other))
        assert asking.symbol == "BTCUSDT"


async def test_a_wrong_token_ends_the_socket() -> None:
    with running_service(WS_TOKEN=ADMIN) as running:
        async with AsyncClient(running.url, token=WRONG) as client:
            with pytest.raises(InvalidStatus):
                await anext(aiter(client.signals()))
        with Client(running.url, token=WRONG) as waiting, pytest.raises(InvalidStatus):
            next(waiting.signals())


async def test_symbols_that_the_service_refuses_end_the_signals(service: Service) -> None:
    async with AsyncClient(service.url) as client, asyncio.timeout(60):
        with pytest.raises(ValueError, match=r"refuses the subscription: .*BTCUSDT"):
            await anext(aiter(client.signals(["BTC/USDT"])))
    with Client(service.url) as waiting, pytest.raises(ValueError, match=r"refuses the subscription: .*BTCUSDT"):
        next(waiting.signals(["BTC/USDT"]))


def test_the_admins_token_is_that_of_the_environment_or_of_the_services_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_TOKEN", "")
    with running_service(ADMIN_TOKEN="", DATABASE_URL=f"sqlite:///{tmp_path}/store.db") as running:
        with Client(running.url, token=read_admin_token(tmp_path / "admin_token")) as client:
            assert client.send(calls.clear_cache()).cleared_analyses == 0
        example = [sys.executable, "examples/look_after_service.py", "--url", running.url, "--clear-cache"]
        run = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        done = run([*example, "--token-file", str(tmp_path / "admin_token")])
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "cleared          0")
        lost = run([*example, "--token-file", str(tmp_path / "nowhere")])
        assert "no admin token" in lost.stderr
        monkeypatch.setenv("ADMIN_TOKEN", WRONG)
        refused = run([*example, "--token-file", str(tmp_path / "admin_token")])
        assert "the service refused" in refused.stderr
    assert read_admin_token(tmp_path / "nowhere") == WRONG
    monkeypatch.delenv("ADMIN_TOKEN")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        read_admin_token(tmp_path / "empty")


async def _next_signal(client: AsyncClient, signals: Any) -> answers.Signal:
    """Request analyses until the socket, which opens meanwhile, has received one."""
    waiting = asyncio.ensure_future(anext(signals))
    while not waiting.done():
        for symbol in ("ETHUSDT", "BTCUSDT"):
            await client.send(calls.analyze(symbol))
        await asyncio.wait([waiting], timeout=0.2)
    signal: answers.Signal = waiting.result()
    return signal


async def _first_of(signals: Iterator[answers.Signal], other: Client) -> answers.Signal:
    waiting = asyncio.ensure_future(asyncio.to_thread(next, signals))
    while not waiting.done():
        await asyncio.to_thread(other.send, calls.analyze("BTCUSDT"))
        await asyncio.wait([waiting], timeout=0.2)
    return waiting.result()
