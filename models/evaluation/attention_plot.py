"""A picture of attention: the closes of a window, and which of its candles a forecast looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from domain.arrays import FloatArray, IntArray
from models.evaluation.plots import FREE, MODEL, REFERENCE, Subject, finish, new_figure


def write_attention(
    path: Path,
    times_ms: IntArray,
    closes: FloatArray,
    newest: FloatArray,
    usual: FloatArray,
    heads: FloatArray,
    subject: Subject,
    what: str,
) -> None:
    """Write a PNG: closes, weights of the forecast beside its usual ones, and weights by head.

    Args:
        path: File to write.
        times_ms: Open times of the n candles of the window, ascending.
        closes: Their closes.
        newest: Weight of each candle in this forecast; they add up to 1.
        usual: The mean weights of many forecasts.
        heads: Shape (heads, n).
        subject: For the title.
        what: Title of the picture.
    """
    back = np.arange(len(closes)) - len(closes) + 1
    figure = new_figure(9.0)
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
    upper.plot(back, closes, color=REFERENCE, linewidth=1.2, label="close")
    upper.scatter(
        back,
        closes,
        s=150.0 * newest / newest.max(),
        color=MODEL,
        alpha=0.6,
        linewidths=0,
        label="its weight, as the area",
    )
    upper.set_ylabel("close")
    upper.set_title(subject.title(times_ms, what))
    middle.bar(back, newest, color=MODEL, label="this forecast")
    middle.step(back, usual, where="mid", color=FREE, linewidth=1.5, label="mean of many forecasts")
    middle.axhline(1.0 / len(back), color=REFERENCE, linestyle="--", linewidth=0.8, label="all candles alike")
    middle.set_ylabel("weight")
    middle.set_ylim(0.0, 1.3 * max(newest.max(), usual.max()))
    middle.legend(frameon=False, loc="upper center", ncols=3)
    edges = (back[0] - 0.5, back[-1] + 0.5, len(heads) + 0.5, 0.5)
    lower.imshow(heads, aspect="auto", cmap="Blues", extent=edges, vmin=0.0)
    lower.set_yticks(range(1, len(heads) + 1))
    lower.set_ylabel("head")
    lower.set_xlabel("candles before the newest")
    finish(figure, upper, path)
