"""Forecasts of further horizons that the loop makes: kept once a candle, the candidate's beside them, and settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.settings import MarketDataSettings
from domain.forecasting import ANY_SYMBOL
from domain.market import Timeframe
from domain.values import epoch_ms
from models.registry.registries import PLANS, USUAL, RegistryKey
from models.registry.registry import Registry
from models.registry.shadowing import begin_shadow
from services.following.coverage import shadows_first
from services.leases import Lease
from services.ledger.followed_forecasts import followed_documents, settled_forecast
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.ledger.settling.documents import DocumentSettling
from storage.document_ports import FOLLOWED_FORECASTS
from storage.sqlite.documents import SqliteDocumentStore
from tests.conftest import MakeClient, settings_in
from tests.fixtures.bodies import shape_b
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import add_fitted, promote
from tests.fixtures.ledger import CLOSED_MS
from tests.fixtures.models import NOON
from tests.fixtures.settings import configured
from tests.fixtures.settling import HOUR_MS, Workshop, flat
from tests.fixtures.sources import chain
from utils import metrics

pytest_plugins = ["tests.fixtures.registry"]

AHEAD = RegistryKey(horizon=4)
H1 = Timeframe.H1


def followed(client: TestClient) -> list[dict[str, Any]]:
    """Return the documents of a service, the newest first."""
    container = container_of(client)

    async def read() -> list[dict[str, Any]]:
        await container.base.stores.documents.flush()
        return await container.base.stores.documents.newest(FOLLOWED_FORECASTS, 100)

    assert client.portal is not None
    return client.portal.call(read)


def refresh(client: TestClient, symbol: str) -> None:
    assert client.portal is not None
    client.portal.call(container_of(client).answers.analysis.refresh, symbol)


def test_the_loop_lets_a_model_of_a_further_horizon_and_its_candidate_forecast_each_candle_once(
    make_client: MakeClient, registry: Registry, hour_with_time_left: None
) -> None:
    own = Registry(registry.root / "horizons" / "4")
    production = promote(own, add_fitted(own, symbol=ANY_SYMBOL, horizon_candles=4))
    later: dict[str, Any] = {"seed": 9, "created_at": NOON + timedelta(days=1), "horizon_candles": 4}
    candidate = add_fitted(own, symbol=ANY_SYMBOL, **later).version
    assert begin_shadow(own, candidate, "better than production", NOON)
    promote(registry, add_fitted(registry, symbol=ANY_SYMBOL))
    alone = Registry(registry.root / "horizons" / "12")
    by_itself = promote(alone, add_fitted(alone, symbol=ANY_SYMBOL, horizon_candles=12))
    failures = metrics.SHADOW_FAILURES._value.get()
    client = make_client(market_data={"timeframes": ["1h"]})
    answer = client.post("/ai/analyze", json={**shape_b("1h", count=300, seed=5), "symbol": "ETHUSDT"})
    assert answer.status_code == 200, answer.text
    assert followed(client) == []  # a request is no turn of the loop
    refresh(client, "ETHUSDT")
    refresh(client, "ETHUSDT")
    # Of BTCUSDT there are synthetic candles alone.
    refresh(client, "BTCUSDT")
    found = {one["model"]: one for one in followed(client)}
    assert list(map(len, (found, followed(client)))) == [3, 3]
    assert (f"12 {by_itself}" in found, metrics.SHADOW_FAILURES._value.get()) == (True, failures)
    first, beside = found[f"4 {production}"], found[f"4 {candidate}"]
    same = ("symbol", "timeframe", "horizon", "closed_ms", "price", "source_data", "state")
    assert [first[name] for name in same] == [beside[name] for name in same]
    assert (first["symbol"], first["horizon"], first["state"]) == ("ETHUSDT", 4, "waiting")
    assert (beside["production"], beside["production_up"]) == (production, first["probability_up"])
    assert beside["probability_up"] != first["probability_up"]
    assert first["production"] is None
    asked = {"symbol": "ETHUSDT", "as_of": epoch_ms(datetime.now(UTC)) - 1, "timeframes": ["1h"]}
    replayed = client.post("/ai/replay", json=asked)
    assert replayed.status_code == 200, replayed.text
    ahead, further = replayed.json()["further"]
    assert (further["horizon_candles"], further["probability_up"]["equal"]) == (12, True)
    assert (ahead["horizon_candles"], ahead["version"]) == (4, production)
    assert ahead["probability_up"]["recorded"] == first["probability_up"]
    assert ahead["probability_up"]["equal"]
    (told, *_) = (one["models"] for one in client.get("/ai/models").json()["further"])
    shadow = next(one["shadow"] for one in told if one["version"] == candidate)
    assert (shadow["state"], shadow["production"], shadow["settled"]) == ("shadowing", production, 0)


async def test_a_forecast_is_settled_with_the_close_of_its_horizon(tmp_path: Path) -> None:
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    workshop = Workshop(documents)
    # Closes of `flat`: each a hundredth above the one before, from 100 on.
    workshop.shelf.candles["BTCUSDT", H1] = flat(80, CLOSED_MS - 30 * HOUR_MS)
    told = {"symbol": "BTCUSDT", "timeframe": "1h", "horizon": 4, "closed_ms": CLOSED_MS, "state": "waiting"}
    said = {"model": "4 v", "probability_up": 0.6, "calibrated_at": None, "created_at": workshop.clock.now()}
    await documents.put(FOLLOWED_FORECASTS, "one", {**told, **said, "price": 100.29})
    lease = Lease(documents, "followed", 300, workshop.clock, monotonic=workshop.clock.monotonic)
    market_data = chain(workshop.source, clock=workshop.clock)
    settings, clock = configured(MarketDataSettings), workshop.clock
    candles = SettlingCandles(workshop.shelf, market_data, settings, clock, workshop.executor)
    closing = Closing(candles, workshop.executor)
    work = DocumentSettling(FOLLOWED_FORECASTS, settled_forecast, documents, closing, lease, clock)
    assert await work.settle_due() == 0
    workshop.clock.advance(4 * 3600)
    assert await work.settle_due() == 1
    (settled,) = await followed_documents(documents, AHEAD, "v")
    assert (settled["state"], settled["close"]) == ("settled", pytest.approx(100.33, abs=0.011))
    await documents.close()


def test_what_is_trained_by_itself_shadows_where_the_service_compares_it(tmp_path: Path) -> None:
    loop = settings_in(tmp_path, {"periodic": {"enabled": True}})
    still = settings_in(tmp_path, {"periodic": {"enabled": False}})
    symbol = loop.analysis.symbols[0]
    assert [shadows_first(loop, AHEAD, one, H1) for one in (ANY_SYMBOL, symbol, "DOGEUSDT0")] == [True, True, False]
    assert not shadows_first(loop, AHEAD, symbol, Timeframe.M1)
    assert not shadows_first(still, AHEAD, symbol, H1)
    assert shadows_first(still, USUAL, "ANY", Timeframe.M1)
    assert not shadows_first(loop, PLANS, symbol, H1)
    none = settings_in(tmp_path, {"models": {"shadow_forecasts": 0}})
    assert not shadows_first(none, USUAL, symbol, H1)
