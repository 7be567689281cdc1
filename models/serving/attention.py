"""Which candles of its window a Transformer looked at for a forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from domain.arrays import FloatArray
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ModelType
from domain.market import CandleSeries
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.candle_checks import unbroken_runs
from features.datasets.windows import window_ends
from features.feature_engineering import FeatureEngineer
from models.registry.artifacts import StoredVersion
from models.registry.metadata import MODEL_FILE, Graph
from models.serving.forecaster import OnnxForecaster


@dataclass(frozen=True)
class Attention:
    """Attention over the candles of a window, oldest first; every row adds up to 1.

    Attributes:
        probability_up: The forecast, 0..1.
        newest: Shape (candles,), what the row that the answer reads looks at through all blocks; mean of the heads.
        heads: Shape (heads, candles), of the last block alone.
        usual: Shape (candles,), the mean of `newest` over the forecasts of `forecasts` windows.
        forecasts: Their number.
    """

    probability_up: float
    newest: FloatArray
    heads: FloatArray
    usual: FloatArray
    forecasts: int


def attention_of(stored: StoredVersion, series: CandleSeries, usual_of: int) -> Attention:
    """Return the attention of the forecast at the close of the newest candle.

    Weights of several blocks are multiplied; the connections around the blocks, which pass each candle on as it is, are
    not counted.

    Args:
        stored: A Transformer.
        series: Closed candles of its timeframe.
        usual_of: Number of the newest windows that `usual` is the mean of, at most.

    Raises:
        InvalidRequest: the version is no Transformer.
        InsufficientData: too few candles for one window.
        ModelUnusable: it cannot be loaded.

    Source: Abnar and Zuidema, Quantifying Attention Flow in Transformers (2020), without residual connections.
    """
    from models.export.attention import attention_weights  # onnx, which serving does not need

    model = stored.metadata
    if model.type is not ModelType.TRANSFORMER or model.graph is None:
        raise InvalidRequest(f"{model.version} is no transformer: only those look at candles by attention")
    forecaster = OnnxForecaster.load(stored)
    windows = _newest_windows(series, model.graph, usual_of)
    rows = {model.graph.feature_set.name: windows}
    blocks = attention_weights(stored.read(MODEL_FILE), forecaster.inputs(rows))
    through = blocks[0].mean(axis=1)
    for block in blocks[1:]:
        through = block.mean(axis=1) @ through
    averaged = _is_averaged(model.settings)
    last = blocks[-1]
    read, heads = (through.mean(axis=1), last.mean(axis=2)) if averaged else (through[:, -1], last[:, :, -1])
    probability = float(forecaster.forecast({name: part[-1:] for name, part in rows.items()}).probability_up[0])
    return Attention(probability, read[-1], heads[-1], read.mean(axis=0), len(read))


def _newest_windows(series: CandleSeries, graph: Graph, count: int) -> FloatArray:
    """Return the newest windows up to that of the newest candle, shape (n, rows, columns), unscaled."""
    length, feature_set = graph.sequence_length, FEATURE_SETS[graph.feature_set.name]
    needed = length + feature_set.warm_up
    series = series.part(max(0, len(series) - needed - count), len(series))
    table = FeatureEngineer(feature_set).transform(series).to_numpy()
    ends = window_ends(unbroken_runs(series, np.isfinite(table).all(axis=1)), length)[-count:]
    if not len(ends) or ends[-1] != len(series) - 1:
        raise InsufficientData(f"a forecast at the newest candle needs {needed} candles without a gap before it")
    views: FloatArray = sliding_window_view(table, length, axis=0).transpose(0, 2, 1)
    return views[ends - length + 1]


def _is_averaged(settings: dict[str, dict[str, dict[str, object]]]) -> bool:
    """Return whether the answer reads the mean of all rows of the encoder, not the newest one."""
    return settings.get("models", {}).get("transformer", {}).get("pooling") == "average"
