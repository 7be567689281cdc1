"""Predictions by ONNX Runtime, Keras and a compiled TensorFlow function: `python -m benchmarks.numbers.models`."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.processes import serve
from benchmarks.report import markdown_table, verdict
from benchmarks.serving.analyze import body
from commands.manager import model_manager
from config.settings import Settings
from config.sources import load_settings
from domain.forecasting import ModelType
from domain.market import CandleSeries, Timeframe
from models.model_manager import ModelManager
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecaster
from models.serving.loaded_models import load_version
from models.training.training_run import TrainingRequest
from services.market_data.sources.simulation import candles_from_returns, simulate_returns

# Milliseconds of CPU that one forecast may take.
SINGLE_MS = {ModelType.LSTM: 0.6, ModelType.GRU: 0.6, ModelType.TRANSFORMER: 1.5, ModelType.PATCHTST: 3.0}
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
CANDLES, BATCH = 900, 64
LEARNING = {"epochs": 1, "patience_epochs": 1}

Row = dict[str, str | float]


def settings_of(folder: str) -> Settings:
    """Return the configured sizes with one epoch and one fold: speed does not depend on what was learned."""
    models: dict[str, Any] = {"save_path": folder, "keep_versions": 50, "evaluation": {"folds": 1}}
    return load_settings(
        overrides={
            "models": models | {name: {"learning": LEARNING} for name in ("recurrent", "transformer", "patchtst")}
        }
    )


def train(manager: ModelManager, kind: ModelType, symbol: str) -> str:
    """Train, promote by force and return a version on simulated candles."""
    rng = np.random.default_rng(3)
    path = candles_from_returns(rng, simulate_returns(rng, CANDLES, 0.004, None), 30_000.0, 0, Timeframe.H1)
    request = TrainingRequest(kind, symbol, Timeframe.H1)
    markets = {symbol: CandleSeries(Timeframe.H1, path)}
    return manager.train(request, markets, lambda _: None, force="measured, not used").model.version


def cpu_ms(call: Callable[[], object], times: int) -> float:
    """Return the median CPU time of a call over five rounds, all threads counted, in ms."""
    call()
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(times):
            call()
        rounds.append((time.process_time() - started) / times * 1e3)
    return median(rounds)


def rows_for(forecaster: Forecaster, count: int) -> FeatureRows:
    """Return windows of values from the middle of the training range."""
    graph = forecaster.metadata.graph
    assert graph is not None
    shape = (count, graph.sequence_length, len(graph.feature_set.columns))
    return {graph.feature_set.name: np.random.default_rng(1).normal(0.0, 0.01, shape)}


def measure_type(manager: ModelManager, kind: ModelType) -> Row:
    """Return the times of one architecture, served and by its own library."""
    version = train(manager, kind, SYMBOLS[0])
    import keras
    import tensorflow as tf

    from models.architectures.network import load_keras

    started = time.perf_counter()
    forecaster = load_version(manager.registry, version)
    load_seconds = time.perf_counter() - started
    network: keras.Model = load_keras(manager.registry.root / version / "model.keras")
    compiled = tf.function(network, reduce_retracing=True)
    one, many = rows_for(forecaster, 1), rows_for(forecaster, BATCH)
    (name,) = one
    single, batch = (tf.constant(rows[name].astype(np.float32)) for rows in (one, many))
    served, served_batch = cpu_ms(lambda: forecaster.forecast(one), 200), cpu_ms(lambda: forecaster.forecast(many), 10)
    by_function, by_batch = cpu_ms(lambda: compiled(single), 50), cpu_ms(lambda: compiled(batch), 10)
    by_predict = cpu_ms(lambda: network.predict(single, verbose=0), 5)
    return {
        "model": str(kind),
        "parameters": network.count_params(),
        "served, ms": served,
        "tf.function, ms": by_function,
        "model.predict, ms": by_predict,
        "times faster than tf.function": by_function / served,
        f"served, batch of {BATCH}, ms": served_batch,
        f"tf.function, batch of {BATCH}, ms": by_batch,
        "batch, times tf.function": served_batch / by_batch,
        "loaded in, s": load_seconds,
    }


async def ask(port: int) -> None:
    """Ask every symbol's model once."""
    connection = await HttpConnection.open(port)
    for symbol in SYMBOLS:
        await connection.send(request_bytes("POST", "/ai/predict", body(symbol, {Timeframe.H1: 500})))
    connection.close()


def measure_memory(folder: str) -> float:
    """Return the resident memory of the service with three models loaded, in MB."""
    with serve("main.py", MODEL_SAVE_PATH=folder) as server:
        asyncio.run(ask(server.port))
        return server.resident_mb()


def measure() -> tuple[list[Row], float]:
    """Return the times per architecture, and the memory of the service with LSTM, GRU and Transformer loaded."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as folder:
        manager = model_manager(settings_of(folder))
        rows = [measure_type(manager, kind) for kind in SINGLE_MS]
    with tempfile.TemporaryDirectory() as folder:
        manager = model_manager(settings_of(folder))
        for kind, symbol in zip((ModelType.LSTM, ModelType.GRU, ModelType.TRANSFORMER), SYMBOLS, strict=True):
            train(manager, kind, symbol)
        assert len(Registry(Path(folder)).aliases().scopes) == len(SYMBOLS)
        return rows, measure_memory(folder)


def targets(rows: Sequence[Row], memory_mb: float) -> list[Mapping[str, str | float]]:
    """Return the measured figures with their targets."""
    worst = max(float(row["batch, times tf.function"]) for row in rows)
    slowest = max(float(row["loaded in, s"]) for row in rows)
    return [
        *(
            verdict(
                f"one prediction of {row['model']}, ms of CPU",
                float(row["served, ms"]),
                SINGLE_MS[ModelType(str(row["model"]))],
            )
            for row in rows
        ),
        verdict(f"batch of {BATCH}, times a compiled TensorFlow function, worst", worst, 1.3),
        verdict("seconds to load a version, slowest", slowest, 0.5),
        verdict("resident memory with three models loaded, MB", memory_mb, 250.0),
    ]


def main() -> None:
    """Print the rows and the targets."""
    rows, memory_mb = measure()
    print(markdown_table(rows), markdown_table(targets(rows, memory_mb)), sep="\n\n")


if __name__ == "__main__":
    main()
