"""Settings searched on a year of hours: `python -m benchmarks.numbers.search`, half a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.numbers.features import market
from benchmarks.report import Row, print_measured, verdict
from config.sources import load_settings
from domain.market import CandleSeries, Timeframe
from services.evidence.file import read_evidence
from services.optimising.parameters import DEFAULT_FOLDS, DEFAULT_TRIALS, OptimiseOptions, OptimiseParameters
from services.optimising.run import run_optimise

HOURS_PER_YEAR = 365 * 24


def measure() -> list[Row]:
    """Return the CPU time of a search with the default numbers of trials and folds, judgements and figures included."""
    hours = market(HOURS_PER_YEAR)
    series = CandleSeries.of_arrays(Timeframe.H1, hours.times_ms, hours.values)
    with tempfile.TemporaryDirectory() as folder:
        files = {"trials_path": f"{folder}/trials.jsonl", "key_file": f"{folder}/key"}
        settings = load_settings(environment={}, overrides={"backtests": files})
        options = OptimiseOptions(timeframes=(Timeframe.H1, Timeframe.H4))
        parameters = OptimiseParameters.of(options, settings, read_evidence(settings.trading.evidence_file))
        started = time.process_time()
        result = run_optimise([("BTCUSDT", series)], parameters, lambda _: None, datetime.now(UTC))
        spent = time.process_time() - started
    tried = (DEFAULT_FOLDS + 1) * DEFAULT_TRIALS
    trades = int(result.document["out_of_sample"]["trades"])
    return [{"candles": len(series), "settings tried": tried, "trades out of sample": trades, "s": spent}]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the measured figure with its target."""
    return [verdict("a search on a year of hours, 50 trials before each of 4 folds, s", float(rows[0]["s"]), 60.0)]


if __name__ == "__main__":
    print_measured(measure, targets)
