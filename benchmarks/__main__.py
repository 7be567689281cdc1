"""Run every measurement and write docs/benchmarks.md: `python -m benchmarks`."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.numbers import features, models, past, reading, search
from benchmarks.report import markdown_table, verdict
from benchmarks.scale import ledger, loop, queueing, replicas, training
from benchmarks.serving import analyze, broadcast, burst, page, signals

TARGET = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Measure, print and write; return the exit status: 0 when every target is met."""
    console = Console(stderr=True)
    with console.status("cached analyses: three servers, three rounds"):
        cached = analyze.measure_cached()
    with console.status("fresh analyses, memory, /health under load"):
        fresh = analyze.measure_fresh()
    with console.status("broadcast to 1,000 sockets"):
        rows = broadcast.measure()
    with console.status("features of 100 to 100,000 candles, by `ta`, by us, by TA-Lib"):
        tables = features.measure()
    with console.status("predictions of every network, by ONNX Runtime and by TensorFlow"):
        predictions, memory_mb = models.measure()
    with console.status("bursts of an engine's own loop"):
        bursts = burst.measure()
    with console.status("signals of 50 symbols: one batch, 50 calls"):
        batch = signals.measure()
    with console.status("100,000 rows of CSV"):
        read = reading.measure()
    with console.status("hourly judgements of a year, and of two"):
        judged = past.measure()
    with console.status("settings searched on a year of hours"):
        searched = search.measure()
    with console.status("one replica and two, on MongoDB and Redis"):
        replicated = replicas.measure()
    with console.status("analyses beside a training"):
        trained = training.measure()
    with console.status("jobs from the request to their worker, without and with Celery"):
        queued = queueing.measure()
    with console.status("the periodic loop over 8 to 1,000 symbols"):
        looped = loop.measure()
    with console.status("a ledger of 207,360 entries: five minutes to make it"):
        recorded = ledger.measure()
    with console.status("the page with 200 symbols: six minutes"):
        shown = page.measure()
    ours, plain = cached[:2]
    targets = [
        verdict("CPU of a cached analysis, ms", float(ours["CPU per request, ms"]), 0.5),
        verdict(
            "requests per second, times plain FastAPI",
            float(ours["requests per second"]) / float(plain["requests per second"]),
            3.0,
            at_least=True,
        ),
        verdict("CPU of a fresh analysis of 350 candles, ms", fresh["CPU per fresh analysis, ms"], 4.0),
        verdict("seconds from start to ready", fresh["seconds to ready"], 2.0),
        verdict("resident memory after 150 analyses, MB", fresh["resident memory after 150 analyses, MB"], 160.0),
        verdict("/health p95 during 16 fresh analyses, ms", fresh["/health p95 during 16 fresh analyses, ms"], 100.0),
        *broadcast.targets(rows),
        *features.targets(tables),
        *models.targets(predictions, memory_mb),
        *burst.targets(bursts),
        *signals.targets(batch),
        *reading.targets(read),
        *past.targets(judged),
        *search.targets(searched),
        *replicas.targets(replicated),
        *training.targets(trained),
        *queueing.targets(queued),
        *loop.targets(looped),
        *ledger.targets(recorded),
        *page.targets(shown),
    ]
    text = "\n\n".join(
        [
            "# Benchmarks",
            f"Printed by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} cores, Python {platform.python_version()}. Every ratio is of two figures measured in "
            "this one run; absolute times hold for this machine only.",
            "## Targets",
            markdown_table(targets),
            "## Cached analysis over real sockets, 160 candles, 4 connections",
            markdown_table(cached),
            "Plain FastAPI parses the same body by a body parameter and answers a constant; bare ASGI does the same "
            "with msgspec and no framework. This service also checks the candles, looks into its cache, counts and "
            "broadcasts; rate limits are off. The first three rows get the same body again and again, whose candles "
            "this service reads once and keeps; in the last row they differ in every request.",
            "## Fresh analysis, 350 candles on 4 timeframes",
            markdown_table([{"measure": name, "value": value} for name, value in fresh.items()]),
            "## Broadcast of 1 KB to 1,000 sockets",
            markdown_table(rows),
            "## The 75 columns of the standard set by `ta` and pandas, by us, and by TA-Lib and numpy",
            markdown_table(tables["standard set"]),
            "## Indicators alone: the same columns by `ta`, by our kernels and by TA-Lib",
            markdown_table(tables["indicators alone"]),
            "Each library is used as it is meant to be: one object or call for all columns that it can give, and plain "
            "pandas or numpy for what it has not (benchmarks/numbers/standard_set.py). TA-Lib is C; a call of ours is "
            "some numpy calls of half a microsecond each, which is most of the time up to a thousand candles "
            "(docs/decisions/0007-kernels-in-numpy.md).",
            "## The rules' newest indicators of four timeframes, one by one and in one call",
            markdown_table(tables["indicators of four timeframes"]),
            "## The 75 columns of the standard set of many markets, in one call and one by one",
            markdown_table(tables["many series"]),
            "## One prediction: served by ONNX Runtime, by a compiled TensorFlow function and by Keras",
            markdown_table(predictions),
            "Networks of the configured sizes, trained for an epoch on simulated candles. CPU time of all threads; the "
            "served one includes scaling, checks and calibration. TensorFlow's function is called with a ready tensor.",
            "## A burst of the engine's own loop: 32 calls of one timeframe and 100 candles",
            markdown_table(bursts),
            "## Signals of 50 symbols with 240 candles each",
            markdown_table(batch),
            "## Reading 100,000 rows of CSV",
            markdown_table(read),
            "The reader finds separators, columns, units and the sessions of the market, and checks every row.",
            "## Hourly judgements of the past on 15m, 1h and 4h",
            markdown_table(judged),
            "CPU time on one core, windows of 300 candles; each is what `POST /ai/analyze` says with `as_of`.",
            "## Settings searched on a year of hours, 50 trials before each of 4 folds",
            markdown_table(searched),
            "CPU time of `cli.py optimise` but for reading the file: judgements on 1h and 4h, trials, random entries.",
            "## Fresh analyses of one replica and of two, on one MongoDB and one Redis",
            markdown_table(replicated),
            "Client and stores run on the same two cores: a round of one replica gives it and all of them one core, a "
            "round of two gives all of them both. The row between shows one replica with a core for itself and "
            "everything else on the second, which is more than a half of this machine. CPU of client and stores is "
            "what the replicas cannot have: it bounds every rate. A round lasts until its analyses are in the store.",
            "## Analyses of 350 candles beside a training of a network",
            markdown_table(trained),
            "Whole requests over one connection, a fresh analysis and the same again some ten times a second. The job "
            "runs at low priority (nice 10) on `models.training.threads` (1) cores.",
            "## Jobs from the request to an idle worker",
            markdown_table(queued),
            "Accepted: `POST /jobs/{kind}` until its answer, when record and order are in the journal of the store; "
            "the message follows. Picked up: from then until the job runs, by the times in its record. The analyses "
            "are of simulated candles, and queued as fast as the queue takes them.",
            "## A symbol in the periodic loop",
            markdown_table(looped),
            "CPU of the whole process, synthetic candles made there; 1,000 analyses in each row.",
            "## A ledger of 30 days, eight symbols and three lanes",
            markdown_table(recorded[:-1]),
            markdown_table(recorded[-1:]),
            "Whole requests on SQLite, each question in a service of its own.",
            "## The page with 200 symbols that change",
            markdown_table(shown),
            "Headless Chromium without a GPU, the service and the client on the same two cores; memory is that of the "
            "page's scripts after a collection, five minutes apart.",
        ]
    )
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if all(target["met"] == "yes" for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
