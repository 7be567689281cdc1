"""Record real answers of every route as the examples of the OpenAPI document: `make examples`.

A temporary service analyzes past real candles, shifted in time so that they end now, and trains two small models.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from example_ledger import SYMBOL, fill_ledger
from fastapi.testclient import TestClient

from api.app import create_app
from api.openapi import EXAMPLES_FILE
from config.sources import load_settings
from container import Container
from domain.market import Candle, CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from features.candle_reading.writing import COLUMNS
from storage.document_ports import LEDGER_PARITY

DATA = ROOT.parent / "shared" / "data"
# Of the temporary service.
ADMIN_TOKEN = "token-of-the-examples"  # noqa: S105
# The service waits this long for its store and its candles, so that a slow machine records the same answers.
PATIENCE_MS = 60_000
# Hours from the end of the file back to a period that ends in a trend, so that the example has a signal.
HOURS_BACK = 973
FILE = {"content-type": "text/csv"}
# Answered as files, of which there is no example.
FILES = {"ledger_export", "model_card"}
DAY_MS = 24 * Timeframe.H1.ms
STRATEGIES = {"selected_strategies": ["RSI Strategy", "MACD Strategy"], "market_condition": "Unknown"}
OWN_LOOP = {"active_strategies": ["trend_analysis"], "portfolio_size": 10_000, "risk_tolerance": "moderate"}
TRADE = {"symbol": SYMBOL, "side": "Long", "entry_price": 100.0, "exit_price": 101.0, "quantity": 1, "leverage": 1}


class Recorder:
    """Calls routes and keeps their answers by operation and name."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.examples: dict[str, dict[str, Any]] = {}
        paths = client.get("/openapi.json").json()["paths"]
        self.operations = {
            operation["operationId"]: (method, path)
            for path, methods in paths.items()
            for method, operation in methods.items()
        }

    def __call__(self, operation: str, body: Any = None, title: str = "answer", **parameters: str) -> Any:
        method, path = self.operations[operation]
        query = {key: value for key, value in parameters.items() if f"{{{key}}}" not in path}
        content = {"content": body, "headers": FILE} if isinstance(body, bytes) else {"json": body}
        response = self._client.request(method, path.format(**parameters), params=query, **content)
        if not response.is_success:
            raise SystemExit(f"{operation} answers {response.status_code}: {response.text}")
        if response.headers["content-type"] != "application/json":
            return None
        self.examples.setdefault(operation, {})[title] = response.json()
        return response.json()


def frames() -> dict[str, list[dict[str, Any]]]:
    """Return past real candles as if they had ended just now."""
    hours = read_candles(DATA / f"{SYMBOL}-1h.csv.gz", time.time_ns() // 1_000_000).series
    step = Timeframe.H1.ms
    part = hours.candles[-3_000 - HOURS_BACK : -HOURS_BACK]
    later = time.time_ns() // 1_000_000 // step * step - part[-1].timestamp - step
    moved = [Candle(c.timestamp + later, c.open, c.high, c.low, c.close, c.volume) for c in part]
    series = CandleSeries(Timeframe.H1, moved)
    by_timeframe = {"1h": series, "4h": series.resample(Timeframe.H4)}
    return {
        timeframe: [{name: getattr(c, name) for name in COLUMNS} for c in frame.candles]
        for timeframe, frame in by_timeframe.items()
    }


def ended(record: Recorder, job_id: str) -> dict[str, Any]:
    """Return a job once it has ended."""
    while (job := record("job", job_id=job_id))["status"] in {"queued", "running"}:
        time.sleep(0.5)
    return dict(job)


def record_models(record: Recorder, candles: list[dict[str, Any]]) -> None:
    order = {"symbol": SYMBOL, "model_type": "logistic", "candles": candles}
    versions = []
    for operation in ("ai_train", "train"):
        queued = record(operation, order)
        versions.append(ended(record, queued["job_id"])["result"]["version"])
    queued = record("ml_train", {"ticker": SYMBOL, "timeframe": "1h", "model_type": "logistic"})
    record("cancel_job", job_id=queued["job_id"])
    queued = record("backtest", {"symbols": [SYMBOL], "timeframes": ["1h", "4h"], "lane": "rules"})
    record("cancel_job", job_id=queued["job_id"])
    queued = record("optimise", {"symbols": [SYMBOL], "timeframes": ["1h", "4h"], "trials": 50, "folds": 4})
    record("cancel_job", job_id=queued["job_id"])
    queued = record("job_evaluate", {"symbol": SYMBOL, "version": versions[0], "candles": candles})
    record("cancel_job", job_id=queued["job_id"])
    queued = record("job_evidence", {"task": "check", "symbols": [SYMBOL], "candles": candles})
    record("cancel_job", job_id=queued["job_id"])
    queued = record("job_train", order)
    for operation in ("cancel_job", "retry_job", "cancel_job"):
        record(operation, job_id=queued["job_id"])
    record("jobs", limit="2")
    record("model_load", {"version": versions[1]})
    record("model_promote", {"reason": "two weeks of shadow trading"}, version=versions[0])
    record("model_rollback", {"symbol": SYMBOL, "timeframe": "1h", "reason": "fewer hits than before"})
    record("models")
    record("ml_models")
    record("model", version=versions[1])
    record("model_info")
    record("model_save", {})
    record("model_cleanup", keep_count="5")
    for operation in ("bias_lookahead", "bias_recursive", "job_bias_lookahead", "job_bias_recursive"):
        queued = record(operation, {"symbol": SYMBOL, "candles": candles})
        record("cancel_job", job_id=queued["job_id"])


def market_of(candles: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "symbol": SYMBOL,
        "timeframe_data": candles,
        "current_price": candles["1h"][-1]["close"],
        "volume_24h": 18_250.2,
        "timestamp": time.time_ns() // 1_000_000,
    }


def record_markets(record: Recorder, candles: dict[str, list[dict[str, Any]]]) -> None:
    recent = {timeframe: frame[-250:] for timeframe, frame in candles.items()}
    market = market_of(recent)
    single = {"1h": recent["1h"]}
    record("storage_clear")
    record("analyze", market | {"strategy_context": STRATEGIES}, "dashboard")
    record("analyze", market | {"timeframe_data": single, "strategy_context": OWN_LOOP}, "own_loop")
    record("analyze_in_percent", market | {"strategy_context": STRATEGIES})
    record("analyze_chart", {"symbol": SYMBOL, "timeframe": "1h", "candles": recent["1h"]})
    for operation in ("predict", "predict_in_percent", "market_condition"):
        record(operation, market)
    record("strategy_recommendations", market | {"available_strategies": STRATEGIES["selected_strategies"]})
    record("signals", {"symbols": [SYMBOL, "ETHUSDT"], "timeframe_data": {SYMBOL: recent}})
    record("newest_signals")
    record("candles", symbol=SYMBOL, timeframe="1h", limit="3", indicators="rsi,ema_21")
    record("analyses", symbol=SYMBOL, limit="2")
    record("log", lines="3")
    rows = [",".join(str(candle[name]) for name in COLUMNS) for candle in recent["1h"][-120:]]
    record("read_candles", "\n".join([",".join(COLUMNS), *rows]).encode(), name=f"{SYMBOL}-1h.csv", limit="3")
    record("predict_trend", {"symbol": SYMBOL, "timeframe": "1h"})
    for operation in ("ml_predict_price", "ml_predict_comprehensive"):
        record(operation, {"ticker": SYMBOL, "timeframe": "1h", "steps": 3})
    record("ml_predict_signal", {"ticker": SYMBOL, "timeframe": "1h"})
    record("ml_cache_stats")
    record("ml_cache_clear", ticker=SYMBOL)


def record_outcomes(record: Recorder) -> None:
    analysis = record.examples["analyze"]["dashboard"]
    record(
        "feedback",
        {
            "signal_id": analysis["analysis_id"],
            "symbol": SYMBOL,
            "predicted_signal": analysis["signal"],
            "actual_outcome": "success",
            "profit_loss": 12.4,
            "confidence_was_accurate": True,
            "timestamp": time.time_ns() // 1_000_000,
        },
    )
    for number in range(80):
        confidence, mean = (0.62, -1.0) if number < 40 else (0.72, 0.8)
        percent = mean + (2.0 if number % 2 else -2.0)
        sums = {"pnl_usdt": percent, "pnl_percentage": percent, "ai_confidence": confidence}
        record("analyze_trade", TRADE | sums | {"trade_id": f"t-{number}", "strategy_name": "MACD Strategy"})
    while record("trigger_config_analysis")["trade_stats"]["total_trades"] < 80:
        time.sleep(0.2)
    for operation in ("config_suggestions", "self_analysis_history"):
        record(operation, limit="1")
    record("performance")
    record("signal_quality", limit="2")
    record("track_record")
    record("lanes")
    record("evidence")
    record("ledger_days", limit="2")
    yesterday_ms = (time.time_ns() // 1_000_000 // DAY_MS - 1) * DAY_MS
    entry = record("ledger", limit="2", until=str(yesterday_ms))["entries"][0]
    record("ledger_entry", entry_id=entry["id"])
    record("ledger_proof", entry_id=entry["id"])


def record_upkeep(record: Recorder) -> None:
    yesterday_ms = time.time_ns() // 1_000_000 - DAY_MS
    bodies = {
        "bulk_analysis": {"symbols": [SYMBOL]},
        # An engine without an address: the job ends at once, and nothing is asked over a network.
        "download_candles": {"symbols": [SYMBOL], "timeframe": "1h", "since": yesterday_ms, "source": "engine"},
        "drill": {"days": 1, "symbols": 1},
        "retrain_if_needed": {"full": False},
        "recalibrate": {"full": False},
        "cleanup_models": {"keep": 5},
    }
    for operation in sorted(record.operations):
        kind = operation.removeprefix("job_")
        if record.operations[operation] == ("post", f"/jobs/{kind}") and operation not in record.examples:
            ended(record, record(operation, bodies.get(kind, {}))["job_id"])
    record("reports", limit="2")
    record("report", report_id=record.examples["reports"]["answer"]["reports"][0]["report_id"])
    letters = record("dead_letters", limit="2")["dead_letters"]
    record("retry_dead_letter", delivery_id=letters[0]["delivery_id"])
    record("switch_part", {"disabled": True, "reason": "it lost in five days of six"}, name="MACD Strategy")
    record("disabled_parts")
    suggestions = record.examples["config_suggestions"]["answer"]["suggestions"]
    record("decide_config_suggestion", {"accept": True}, suggestion_id=suggestions[0]["_id"])


async def certify_today(container: Container) -> None:
    """Keep the certificate of the answers that were just recorded; of a day that is over there are none."""
    today = container.base.clock.now().date()
    certificate = await container.answers.parity.days.certify(today)
    await container.base.stores.documents.put(LEDGER_PARITY, today.isoformat(), certificate.document())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        overrides: dict[str, Any] = {
            "logging": {"level": "ERROR"},
            "storage": {"url": f"sqlite:///{folder}/store.db", "timeout_ms": PATIENCE_MS},
            "models": {"save_path": f"{folder}/models", "shipped": False},
            "backtests": {"trials_path": f"{folder}/trials.jsonl", "key_file": f"{folder}/backtest_key"},
            "periodic": {"enabled": False},
            # Nobody listens there: its dead letters are an example.
            "webhooks": {"urls": ["http://127.0.0.1:9/signals"], "secret": ADMIN_TOKEN, "max_attempts": 1},
            "market_data": {"sources": ["stored"], "timeframes": ["1h", "4h"], "timeout_seconds": PATIENCE_MS / 1000},
            "rate_limits": {"enabled": False},
            "analysis": {"primary_timeframes": ["1h"]},
            "access": {"admin_token": ADMIN_TOKEN},
        }
        app = create_app(load_settings(environment={}, overrides=overrides))
        local, headers = ("127.0.0.1", 50_000), {"authorization": f"Bearer {ADMIN_TOKEN}"}
        with TestClient(app, base_url="http://127.0.0.1:8000", client=local, headers=headers) as client:
            record, candles = Recorder(client), frames()
            if client.portal:
                client.portal.call(fill_ledger, app.state.container.base.stores.ledger, candles["1h"])
            record("analyze", market_of(candles) | {"strategy_context": STRATEGIES})  # keeps the candles in the store
            record_models(record, candles["1h"])
            record_markets(record, candles)
            record_outcomes(record)
            record("replay", {"symbol": SYMBOL, "as_of": time.time_ns() // 1_000_000, "timeframes": ["1h", "4h"]})
            if client.portal:
                client.portal.call(certify_today, app.state.container)
            record("ledger_parity", limit="1")
            record_upkeep(record)
            record("market_condition_health")
            record("storage_candles_remove", symbol=SYMBOL, timeframe="1h")
            record("switch_safe_mode", {"enabled": True, "reason": "the exchange reports wrong prices"})
            record("safe_mode")
            client.post("/ai/safe-mode", json={"enabled": False})
            del record.examples["analyze"]["answer"]
            for operation in sorted(record.operations.keys() - record.examples.keys() - FILES):
                record(operation)
    text = json.dumps(dict(sorted(record.examples.items())), indent=1, ensure_ascii=False)
    EXAMPLES_FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
