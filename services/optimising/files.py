"""Pictures of a search."""

from __future__ import annotations

from pathlib import Path

from domain.errors import InvalidRequest
from services.optimising.run import OptimiseResult


def write_pictures(folder: Path, result: OptimiseResult) -> list[Path]:
    """Write search.png and equity.png, and return their paths.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    paths = [folder / name for name in ("search.png", "equity.png")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draw(paths[0], paths[1], result)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written to: {error.strerror or error}") from error
    return paths


def _draw(search: Path, equity: Path, result: OptimiseResult) -> None:
    from models.evaluation.plots import MODEL, REFERENCE, FoldBars, ValueLine, write_search, write_values

    document, done = result.document, result.optimised
    title = (
        f"{document['lane']}, {', '.join(document['symbols'])} {document['timeframe']}, "
        f"{document['start'][:10]} to {document['end'][:10]}\n"
        f"{len(done.tried)} trials before each of {len(done.folds)} folds, out of sample "
        f"{document['out_of_sample']['trades']:,} trades"
    )
    bars = [
        FoldBars(
            f"{fold['start'][:10]}\nto {fold['end'][:10]}",
            *(fold[part]["sharpe_ratio"] or 0.0 for part in ("in_sample", "out_of_sample", "present")),
        )
        for fold in document["folds"]
    ]
    trials = [trial["sharpe_ratio"] or 0.0 for trial in document["tried"] if trial["counts"]]
    write_search(search, bars, trials, document["tried"][0]["sharpe_ratio"] or 0.0, title)
    curve, present = done.found.simulation.curve, done.present.simulation.curve
    lines = (
        ValueLine(
            present.equity / present.equity[0],
            REFERENCE,
            f"present settings {document['present']['total_return']:+.1%}",
        ),
        ValueLine(
            curve.equity / curve.equity[0],
            MODEL,
            f"chosen before each fold {document['out_of_sample']['total_return']:+.1%}",
        ),
    )
    write_values(equity, curve.times_ms, lines, title)
