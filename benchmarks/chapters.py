"""The chapters of docs/benchmarks.md: what each measures, its targets, and its text around the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.numbers import features, models, past, reading, search
from benchmarks.report import Row, markdown_table
from benchmarks.scale import ledger, loop, queueing, replicas, training
from benchmarks.serving import analyze, broadcast, burst, page, signals


@dataclass(frozen=True)
class Chapter:
    """One measurement.

    Attributes:
        status: What is measured, for the person who waits.
        measure: Measures; its result goes to the other two.
        targets: Returns the figures that have a target.
        paragraphs: Returns headings, tables and notes, in Markdown.
    """

    status: str
    measure: Callable[[], Any]
    targets: Callable[[Any], Sequence[Row]]
    paragraphs: Callable[[Any], list[str]]


def _table(heading: str, *notes: str) -> Callable[[Sequence[Row]], list[str]]:
    """Return what writes a chapter of one table: its heading, the rows, and notes below."""
    return lambda rows: [f"## {heading}", markdown_table(rows), *notes]


def _fresh(figures: Mapping[str, float]) -> list[str]:
    rows: list[Row] = [{"measure": name, "value": value} for name, value in figures.items()]
    return ["## Fresh analysis, 350 candles on 4 timeframes", markdown_table(rows)]


def _features(tables: Mapping[str, Sequence[Row]]) -> list[str]:
    return [
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
    ]


_predictions = _table(
    "One prediction: served by ONNX Runtime, by a compiled TensorFlow function and by Keras",
    "Networks of the configured sizes, trained for an epoch on simulated candles. CPU time of all threads; the "
    "served one includes scaling, checks and calibration. TensorFlow's function is called with a ready tensor.",
)


def _ledger(rows: Sequence[Row]) -> list[str]:
    return [
        "## A ledger of 30 days, eight symbols and three lanes",
        markdown_table(rows[:-1]),
        markdown_table(rows[-1:]),
        "Whole requests on SQLite, each question in a service of its own.",
    ]


CHAPTERS = (
    Chapter(
        "cached analyses: three servers, three rounds",
        analyze.measure_cached,
        analyze.targets_cached,
        _table(
            "Cached analysis over real sockets, 160 candles, 4 connections",
            "Plain FastAPI parses the same body by a body parameter and answers a constant; bare ASGI does the same "
            "with msgspec and no framework. This service also checks the candles, looks into its cache, counts and "
            "broadcasts; rate limits are off. The first three rows get the same body again and again, whose candles "
            "this service reads once and keeps; in the last row they differ in every request.",
        ),
    ),
    Chapter("fresh analyses, memory, /health under load", analyze.measure_fresh, analyze.targets_fresh, _fresh),
    Chapter(
        "broadcast to 1,000 sockets",
        broadcast.measure,
        broadcast.targets,
        _table("Broadcast of 1 KB to 1,000 sockets"),
    ),
    Chapter(
        "features of 100 to 100,000 candles, by `ta`, by us, by TA-Lib",
        features.measure,
        features.targets,
        _features,
    ),
    Chapter(
        "predictions of every network, by ONNX Runtime and by TensorFlow",
        models.measure,
        lambda measured: models.targets(*measured),
        lambda measured: _predictions(measured[0]),
    ),
    Chapter(
        "bursts of an engine's own loop",
        burst.measure,
        burst.targets,
        _table("A burst of the engine's own loop: 32 calls of one timeframe and 100 candles"),
    ),
    Chapter(
        "signals of 50 symbols: one batch, 50 calls",
        signals.measure,
        signals.targets,
        _table("Signals of 50 symbols with 240 candles each"),
    ),
    Chapter(
        "100,000 rows of CSV",
        reading.measure,
        reading.targets,
        _table(
            "Reading 100,000 rows of CSV",
            "The reader finds separators, columns, units and the sessions of the market, and checks every row.",
        ),
    ),
    Chapter(
        "hourly judgements of a year, and of two",
        past.measure,
        past.targets,
        _table(
            "Hourly judgements of the past on 15m, 1h and 4h",
            "CPU time on one core, windows of 300 candles; each is what `POST /ai/analyze` says with `as_of`.",
        ),
    ),
    Chapter(
        "settings searched on a year of hours",
        search.measure,
        search.targets,
        _table(
            "Settings searched on a year of hours, 50 trials before each of 4 folds",
            "CPU time of `cli.py optimise` but for reading the file: judgements on 1h and 4h, trials, random entries.",
        ),
    ),
    Chapter(
        "one replica and two, on MongoDB and Redis",
        replicas.measure,
        replicas.targets,
        _table(
            "Fresh analyses of one replica and of two, on one MongoDB and one Redis",
            "Client and stores run on the same two cores: a round of one replica gives it and all of them one core, a "
            "round of two gives all of them both. The row between shows one replica with a core for itself and "
            "everything else on the second, which is more than a half of this machine. CPU of client and stores is "
            "what the replicas cannot have: it bounds every rate. A round lasts until its analyses are in the store.",
        ),
    ),
    Chapter(
        "analyses beside a training",
        training.measure,
        training.targets,
        _table(
            "Analyses of 350 candles beside a training of a network",
            "Whole requests over one connection, a fresh analysis and the same again some ten times a second. The job "
            "runs at low priority (nice 10) on `models.training.threads` (1) cores.",
        ),
    ),
    Chapter(
        "jobs from the request to their worker, without and with Celery",
        queueing.measure,
        queueing.targets,
        _table(
            "Jobs from the request to an idle worker",
            "Accepted: `POST /jobs/{kind}` until its answer, when record and order are in the journal of the store; "
            "the message follows. Picked up: from then until the job runs, by the times in its record. The analyses "
            "are of simulated candles, and queued as fast as the queue takes them.",
        ),
    ),
    Chapter(
        "the periodic loop over 8 to 1,000 symbols",
        loop.measure,
        loop.targets,
        _table(
            "A symbol in the periodic loop",
            "CPU of the whole process, synthetic candles made there; 1,000 analyses in each row.",
        ),
    ),
    Chapter("a ledger of 207,360 entries: five minutes to make it", ledger.measure, ledger.targets, _ledger),
    Chapter(
        "the page with 200 symbols: six minutes",
        page.measure,
        page.targets,
        _table(
            "The page with 200 symbols that change",
            "Headless Chromium without a GPU, the service and the client on the same two cores; memory is that of the "
            "page's scripts after a collection, five minutes apart.",
        ),
    ),
)
