"""Pictures of evidence: what was stated beside what was observed, and the records of the strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InvalidRequest
from domain.trading.evidence import Interval95
from domain.values import utc_time
from models.evaluation.plots import FREE, MODEL, REFERENCE, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from backtesting.evidence.checking import EvidenceCheck
    from rules.evidence.measured import MeasuredEvidence, TimeframeRecord

# Of the places of two points that belong together, so that their bars do not cover one another.
ASIDE = 0.12
AN_INTERVAL = "bars: 95 %"


def draw_checks(folder: Path, checks: Sequence[EvidenceCheck], evidence: str) -> list[Path]:
    """Write four pictures for each timeframe and return their paths.

    `reliability`, `confidence` and `years` are of all its markets together, `random` has each of them.

    Args:
        folder: Made where it is missing.
        checks: As of `check_markets`: the markets of a timeframe together come after each of them.
        evidence: Name of the evidence file that they were compared with.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    pictures: dict[Path, Callable[[Path], None]] = {}
    for timeframe in dict.fromkeys(check.timeframe for check in checks):
        some = [check for check in checks if check.timeframe is timeframe]
        first, last = (f"{utc_time(moment):%Y-%m}" for moment in (some[-1].first_ms, some[-1].last_ms))
        title = f"{some[-1].market}, {first} to {last}, compared with the evidence {Path(evidence).name}"
        for name, draw in (("reliability", _reliability), ("confidence", _confidence), ("years", _years)):
            pictures[folder / f"{name}-{timeframe}.png"] = partial(draw, check=some[-1], title=title)
        pictures[folder / f"random-{timeframe}.png"] = partial(_random, checks=some, title=title)
    return _written(folder, pictures)


def draw_evidence(folder: Path, evidence: MeasuredEvidence) -> list[Path]:
    """Write a picture of the strategies' records for each timeframe and return their paths.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    pictures = {
        folder / f"strategies-{record.timeframe}.png": partial(_strategies, record=record)
        for record in evidence.records
    }
    return _written(folder, pictures)


def _written(folder: Path, pictures: Mapping[Path, Callable[[Path], None]]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, draw in pictures.items():
            draw(path)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written to: {error.strerror or error}") from error
    return list(pictures)


def _reliability(path: Path, check: EvidenceCheck, title: str) -> None:
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(5.5)
    axes = figure.subplots()
    stated = np.array([part.stated for part in check.reliability])
    observed = [part.came for part in check.reliability]
    axes.axline((check.break_even, check.break_even), slope=1.0, color=REFERENCE, linestyle="--", label="as stated")
    axes.axhline(check.break_even, color=REFERENCE, linestyle=":", label=f"break-even: {check.break_even:.1%}")
    _upright(axes, stated, observed, MODEL, f"{_bins(observed, 'plans')}\n({AN_INTERVAL})")
    axes.set_title(
        f"{title}\nthe side with the trend at all moments, expected calibration error {check.calibration_error:.3f}"
    )
    axes.set_xlabel("target first, as stated")
    axes.set_ylabel("target first, observed")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, 1))
    _room(axes, stated)
    finish(figure, axes, path)


def _confidence(path: Path, check: EvidenceCheck, title: str) -> None:
    figure = new_figure(5.5)
    axes = figure.subplots()
    confidence = np.array([group.confidence for group in check.deciles])
    observed = [group.came_r for group in check.deciles]
    # Confidence is 0.5 + R / 2.
    axes.axline((0.5, 0.0), slope=2.0, color=REFERENCE, linestyle="--", label="as stated: R = 2 x confidence - 1")
    axes.axhline(0.0, color=REFERENCE, linestyle=":", label="pays its costs and no more")
    _upright(axes, confidence, observed, MODEL, f"{_bins(observed, 'given plans')}\n({AN_INTERVAL})")
    axes.set_title(f"{title}\n{check.plans:,} given plans by confidence")
    axes.set_xlabel("confidence")
    axes.set_ylabel("mean R after costs")
    _room(axes, confidence)
    finish(figure, axes, path)


def _years(path: Path, check: EvidenceCheck, title: str) -> None:
    figure = new_figure(5.5)
    axes = figure.subplots()
    given, entries = ([getattr(year, name) for year in check.years] for name in ("gross_r", "random_r"))
    places = np.arange(len(check.years), dtype=np.float64)
    axes.axhline(0.0, color=REFERENCE, linestyle=":")
    _upright(axes, places - ASIDE, given, MODEL, f"given plans ({AN_INTERVAL})")
    _upright(axes, places + ASIDE, entries, FREE, "entries at random: both sides at all moments")
    axes.set_xticks(places, [f"{year.year}\n{year.gross_r.cases:,} plans" for year in check.years])
    axes.set_title(f"{title}\nby year")
    axes.set_ylabel("mean R before costs")
    finish(figure, axes, path)


def _random(path: Path, checks: Sequence[EvidenceCheck], title: str) -> None:
    figure = new_figure(2.5 + 0.45 * len(checks))
    axes = figure.subplots()
    # The first market is on top.
    places = np.arange(len(checks), dtype=np.float64)[::-1]
    axes.axvline(0.0, color=REFERENCE, linestyle=":")
    _level(axes, places + ASIDE, [check.gross_r for check in checks], MODEL, f"given plans ({AN_INTERVAL})")
    entries = "entries at random: both sides at all moments"
    _level(axes, places - ASIDE, [check.random_r for check in checks], FREE, entries)
    axes.set_yticks(places, [f"{check.market}\n{check.plans:,} plans" for check in checks])
    axes.set_title(f"{title}\ngiven plans beside entries at random")
    axes.set_ylim(-0.6, len(checks) + 0.2)  # with room for the legend
    axes.set_xlabel("mean R before costs")
    finish(figure, axes, path)


def _strategies(path: Path, record: TimeframeRecord) -> None:
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(6.0)
    left, right = figure.subplots(1, 2, sharey=True)
    strategies = record.strategies
    places = np.arange(len(strategies), dtype=np.float64)[::-1]
    left.axvline(0.5, color=REFERENCE, linestyle=":")
    distances = list(strategies[0].right)
    for number, (ahead, color) in enumerate(zip(distances, (FREE, MODEL, REFERENCE), strict=True)):
        shifted = places + 1.5 * ASIDE * (1 - number)
        label = f"{ahead} candle{'s' if ahead > 1 else ''} later"
        _level(left, shifted, [strategy.right[ahead] for strategy in strategies], color, label)
    left.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
    left.set_xlabel(f"close on its side ({AN_INTERVAL})")
    left.set_yticks(places, [f"{strategy.name}\n{strategy.expected_r.cases:,} moments" for strategy in strategies])
    right.axvline(0.0, color=REFERENCE, linestyle=":")
    _level(right, places, [strategy.expected_r for strategy in strategies], MODEL, "plans with it")
    right.set_xlabel(f"mean R before costs ({AN_INTERVAL})")
    figure.suptitle(f"{record.built_from}: strategies, when they lean to a side")
    finish(figure, left, path)


def _upright(axes: Axes, places: FloatArray, found: Sequence[Interval95], color: str, label: str) -> None:
    middles, reach = _bars(found)
    axes.errorbar(places, middles, yerr=reach, fmt="o", color=color, capsize=3, label=label)


def _level(axes: Axes, places: FloatArray, found: Sequence[Interval95], color: str, label: str) -> None:
    middles, reach = _bars(found)
    axes.errorbar(middles, places, xerr=reach, fmt="o", color=color, capsize=3, label=label)


def _bars(found: Sequence[Interval95]) -> tuple[FloatArray, FloatArray]:
    """Return n means and the reach of their intervals down and up, shape (2, n); NaN without cases."""
    low, mean, high = np.array([(ends.low, ends.mean, ends.high) for ends in found], dtype=np.float64).T
    return mean, np.array((mean - low, high - mean))


def _bins(observed: Sequence[Interval95], what: str) -> str:
    counts = [group.cases for group in observed]
    sizes = f"{counts[0]:,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    return f"{len(counts)} {'bin' if len(counts) == 1 else 'bins'} of {sizes} {what}"


def _room(axes: Axes, places: FloatArray) -> None:
    """Show what the points span: a line without end would widen it."""
    room = 0.08 * float(np.ptp(places)) or 0.01
    axes.set_xlim(places.min() - room, places.max() + room)
