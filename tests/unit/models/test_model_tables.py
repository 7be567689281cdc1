"""What a terminal shows of a version and of a forecast: the columns that its trees read, and the drivers."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

from rich.console import Console, RenderableType

from commands.tables.models import forecast_table, listed, shown
from domain.forecasting import Driver, ModelType
from models.evaluation.gate import GateVerdict
from models.registry.aliases import Aliases, Promotion, ScopeAliases
from models.registry.importances import ColumnImportance
from models.registry.listing import Listing
from tests.fixtures.forecasting import make_forecast
from tests.fixtures.models import NOON, make_metadata


def lines(table: RenderableType) -> list[str]:
    page = StringIO()
    Console(file=page, width=120).print(table)
    return [" ".join(line.split()) for line in page.getvalue().splitlines()]


def test_a_version_shows_the_shares_of_its_columns() -> None:
    importances = (
        ColumnImportance(column="price_return_1", share=0.4),
        ColumnImportance(column="cci_20", share=0.0625),
    )
    page = lines(shown(make_metadata(ModelType.LIGHTGBM, inputs="newest", importances=importances), []))
    at = page.index("Gain by column")
    assert page[at + 1 : at + 3] == ["price_return_1 40.0%", "cci_20 6.2%"]
    assert "Gain by column" not in lines(shown(make_metadata(), []))


def test_a_list_tells_what_serves_apart_from_what_the_gate_decided() -> None:
    passed, kept = (GateVerdict(serves=serves, reasons=(), comparisons=()) for serves in ("candidate", "production"))
    verdicts = {"passed": passed, "not passed": kept, "forced": passed.model_copy(update={"forced": True})}
    models = [
        make_metadata(created_at=NOON + timedelta(days=day), verdict=verdict)
        for day, verdict in enumerate(verdicts.values())
    ]
    models.append(make_metadata(created_at=NOON + timedelta(days=len(models)), verdict=None, data=None))
    promotion = Promotion(version=models[0].version, at=NOON, by="gate", reason="better")
    scope = ScopeAliases(symbol="BTCUSDT", timeframe=models[0].timeframe, history=(promotion,))
    page = lines(listed(Listing(tuple(models), {}), Aliases(scopes=(scope,)), {}))
    ends = dict(zip((*verdicts, "imported"), (line for line in page if line.startswith("lstm_model_")), strict=True))
    assert all(line.endswith(f" - {gate}") for gate, line in ends.items() if gate != "passed")
    assert ends["passed"].endswith(" - production passed")


def test_a_forecast_shows_its_drivers() -> None:
    drivers = (
        Driver(column="rsi_14", statistic="mean", description=None, value=61.25, contribution=-0.125),
        Driver(column="hour_sin", statistic=None, description=None, value=0.5, contribution=0.0625),
    )
    page = lines(forecast_table(make_forecast(drivers=drivers), 0))
    assert "rsi_14, mean 61.25 -0.1250" in page
    assert "hour_sin 0.5 +0.0625" in page
    assert not any("What moved it most" in line for line in lines(forecast_table(make_forecast(), 0)))
