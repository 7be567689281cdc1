"""`models importance`: which columns a version's forecasts rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from commands.candles.reading import tell
from commands.console import show, working
from commands.manager import close_registry
from commands.options import CandleFile, Horizon, Json, Leader, ScopeSymbol, Version
from commands.versions import choose_version, read_leader
from config.sources import load_settings

if TYPE_CHECKING:
    from models.serving.column_importance import MeasuredColumns

# Columns in a table.
SHOWN = 20


def importance(
    version: Version,
    file: CandleFile,
    symbol: ScopeSymbol = None,
    leader: Leader = None,
    horizon: Horizon = None,
    as_json: Json = False,
) -> None:
    """Show what the forecasts of a version lose when a column is shuffled, on candles that it was not trained on."""
    with working() as now:
        now(f"reading {file.name}")
        registry = close_registry(load_settings(), version, horizon)
        chosen = choose_version(registry, version, file, symbol, None)

        from models.serving.column_importance import measure_columns

        model = registry.open(version).metadata
        leaders = read_leader(model, [chosen.symbol], chosen.series.timeframe, leader)
        led_by = next(iter(leaders.values()), None)
        measured = measure_columns(registry, version, chosen.symbol, chosen.series, now, led_by)
    if not as_json:
        tell(file, chosen.read)

    columns = {name: score for part in measured.importances for name, score in part.ranking()}
    document = {
        "version": version,
        "symbol": chosen.symbol,
        "timeframe": chosen.series.timeframe,
        "forecasts": measured.windows,
        "brier": measured.brier,
        "brier_lost_when_shuffled": columns,
    }
    show(document, _tables(version, measured), as_json)


def _tables(version: str, measured: MeasuredColumns) -> Group:
    """Return the columns that a version's forecasts lose most by."""
    parts: list[Table | str] = []
    for importance in measured.importances:
        table = Table("column", "Brier score lost when shuffled, 1e-5")
        read = [(name, score) for name, score in importance.ranking() if score]
        for name, score in read[:SHOWN]:
            table.add_row(name, f"{score * 1e5:+.1f}")
        parts += [table, f"{len(read)} of {len(importance.columns)} columns change a forecast"]
    words = f"{version}: Brier score {measured.brier:.4f} of {measured.windows:,} forecasts newer than its training"
    return Group(*parts, words)
