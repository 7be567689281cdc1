"""Pictures of an evaluation: reliability of the probabilities, the equity curve and its falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.arrays import FloatArray, IntArray, RealArray
from domain.errors import InsufficientData
from domain.values import utc_time
from models.evaluation.calibration import expected_calibration_error, reliability_table
from models.evaluation.equity import Backtest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MODEL, FREE, REFERENCE = "#1f5fa8", "#8fb8de", "#6b6b6b"


@dataclass(frozen=True)
class Subject:
    """The model and market of a picture."""

    model: str
    symbol: str
    timeframe: str

    def title(self, times_ms: IntArray, what: str) -> str:
        """Return two lines: model, market and the dates of the candles, and the title of the picture."""
        days = [utc_time(time).date() for time in (times_ms[0], times_ms[-1])]
        return f"{self.model}, {self.symbol} {self.timeframe}, {days[0]} to {days[1]}\n{what}"


def write_reliability(
    path: Path, probability: FloatArray, returns: FloatArray, times_ms: IntArray, subject: Subject
) -> None:
    """Write a PNG: the share of rises by predicted probability, and a histogram of the probabilities.

    Args:
        path: File to write.
        probability: n calibrated probabilities of a rise.
        returns: Forward returns as fractions; rows where one is NaN or 0 are left out.
        times_ms: Open times of the rows, ascending.
        subject: For the title.

    Raises:
        InsufficientData: no row is left.
    """
    from matplotlib.ticker import PercentFormatter, StrMethodFormatter

    moved = np.isfinite(returns) & (returns != 0.0)
    probability, up = probability[moved], returns[moved] > 0.0
    if not len(up):
        raise InsufficientData("there is no prediction with a known return to draw")
    table = reliability_table(probability, up)
    said, observed = np.array([(part.mean_probability, part.share_up) for part in table]).T
    counts = np.array([part.count for part in table])
    reach = 1.96 * np.sqrt(observed * (1.0 - observed) / counts)
    sizes = f"{counts.min():,}" if np.ptp(counts) == 0 else f"{counts.min():,} to {counts.max():,}"
    bins = "1 bin" if len(table) == 1 else f"{len(table)} bins"
    label = f"{bins} of {sizes} predictions\n(bars: 95 %, as if rows were independent)"
    figure = new_figure()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.axline((0.5, 0.5), slope=1.0, color=REFERENCE, linestyle="--", label="observed as predicted")
    upper.axhline(up.mean(), color=REFERENCE, linestyle=":", label=f"share of all: {up.mean():.1%}")
    upper.errorbar(said, observed, reach, fmt="o", color=MODEL, capsize=3, label=label)
    upper.set_ylim((observed - reach).min() - 0.02, (observed + reach).max() + 0.03)
    upper.set_ylabel("share that rose")
    error = expected_calibration_error(probability, up)
    upper.set_title(
        subject.title(times_ms, f"{len(up):,} out-of-sample predictions, expected calibration error {error:.3f}")
    )
    for axis in (upper.yaxis, lower.xaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    # A few extreme predictions would compress the rest: they count in the outermost bars.
    low, high = np.quantile(probability, 0.002) - 0.005, np.quantile(probability, 0.998) + 0.005
    lower.hist(np.clip(probability, low, high), bins=40, range=(low, high), color=MODEL)
    lower.set_ylabel("predictions")
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    lower.set_xlabel("probability of a rise")
    finish(figure, upper, path)


@dataclass(frozen=True)
class ValueLine:
    """The value of 1 invested at n moments, the first of them 1, and how it is drawn."""

    values: RealArray
    color: str
    label: str


def write_equity(path: Path, result: Backtest, subject: Subject) -> None:
    """Write a PNG: the value of 1 invested by the model, after and before costs, and of buy and hold."""
    performance = result.performance
    lines = (
        ValueLine(result.buy_and_hold, REFERENCE, f"buy and hold {performance.buy_and_hold_return:+.1%}"),
        ValueLine(result.gross_equity, FREE, f"model before costs {performance.gross_return:+.1%}"),
        ValueLine(result.equity, MODEL, f"model after costs {performance.total_return:+.1%}"),
    )
    costs = performance.costs
    title = subject.title(
        result.times_ms,
        f"filled at the next candle's open: {performance.trades:,} trades, a position in "
        f"{performance.exposure:.0%} of {performance.candles:,} candles,\n"
        f"{costs.fee_bps:g} bps fee and {costs.slippage_bps:g} bps slippage per change of position",
    )
    write_values(path, result.times_ms, lines, title)


def write_values(path: Path, times_ms: IntArray, lines: Sequence[ValueLine], title: str) -> None:
    """Write a PNG: values over time, on a logarithmic axis where they differ much, and below their falls from a high.

    Args:
        path: File to write.
        times_ms: n moments, ascending, epoch ms.
        lines: Drawn in this order.
        title: Above the picture.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure, times = new_figure(), times_ms.astype("datetime64[ms]")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for line in lines:
        upper.plot(times, line.values, color=line.color, linewidth=1.2, label=line.label)
        lower.plot(times, _falls(line.values), color=line.color, linewidth=0.8)
    everything = np.concatenate([line.values for line in lines])
    if everything.min() > 0.0 and everything.max() / everything.min() > 4.0:
        upper.set_yscale("log")
        upper.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        upper.yaxis.set_minor_formatter(NullFormatter())
    upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    upper.set_ylabel("value of 1 invested")
    upper.set_title(title)
    _falls_over_time(lower)
    finish(figure, upper, path)


def write_drawdown(path: Path, times_ms: IntArray, lines: Sequence[ValueLine], title: str) -> None:
    """Write a PNG: the falls of values from a high so far; see `write_values`."""
    figure = new_figure()
    axes = figure.subplots()
    for line in lines:
        falls = _falls(line.values)
        axes.plot(times_ms.astype("datetime64[ms]"), falls, color=line.color, linewidth=1.0, label=line.label)
    axes.set_title(title)
    _falls_over_time(axes)
    finish(figure, axes, path)


@dataclass(frozen=True)
class FoldBars:
    """Sharpe ratios of one fold: of what was chosen before it, there and in the fold, and of the present settings."""

    label: str
    in_sample: float
    out_of_sample: float
    present: float


def write_search(path: Path, folds: Sequence[FoldBars], trials: Sequence[float], present: float, title: str) -> None:
    """Write a PNG: Sharpe ratios in and out of sample by fold, and below those of all trials in their order.

    Args:
        path: File to write.
        folds: From left to right.
        trials: Sharpe ratios of the trials that may be chosen.
        present: Sharpe ratio of the present settings over the time of the trials.
        title: Above the picture.
    """
    figure, at = new_figure(), np.arange(len(folds))
    upper, lower = figure.subplots(2, 1)
    bars = (
        ("chosen, in sample", FREE, [fold.in_sample for fold in folds]),
        ("chosen, out of sample", MODEL, [fold.out_of_sample for fold in folds]),
        ("present settings, out of sample", REFERENCE, [fold.present for fold in folds]),
    )
    for number, (label, color, ratios) in enumerate(bars):
        upper.bar(at + 0.27 * (number - 1), ratios, 0.25, color=color, label=label)
    upper.axhline(0.0, color="black", linewidth=0.8)
    upper.set_xticks(at, [fold.label for fold in folds])
    upper.set_ylabel("Sharpe ratio a year")
    upper.set_title(title)
    numbers = np.arange(1, len(trials) + 1)
    lower.plot(numbers, trials, "o", markersize=3, color=FREE, label="trials over all the time")
    if len(trials):
        lower.plot(numbers, np.maximum.accumulate(trials), color=MODEL, linewidth=1.0, label="best so far")
    lower.axhline(present, color=REFERENCE, linestyle="--", label="present settings")
    lower.set_xlabel("trials with enough trades")
    lower.set_ylabel("Sharpe ratio a year")
    lower.legend(frameon=False)
    finish(figure, upper, path)


def _falls(values: RealArray) -> RealArray:
    return np.asarray(values / np.maximum.accumulate(values) - 1.0)


def _falls_over_time(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
    axes.set_ylabel("fall from the high")
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("time, UTC")


def new_figure(height: float = 7.5) -> Figure:
    """Return an empty figure of its own, with its height in inches: pyplot would keep every one of them."""
    from matplotlib.figure import Figure

    return Figure(figsize=(9.0, height), layout="constrained")


def finish(figure: Figure, upper: Axes, path: Path) -> None:
    """Add the legend of one of its axes and the grid of all, and write the PNG."""
    upper.legend(frameon=False)
    for axes in figure.axes:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png", dpi=120)
