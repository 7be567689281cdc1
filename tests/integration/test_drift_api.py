"""Drift over HTTP, in /health and at the command line, of a service that starts with what was found before."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from domain.forecasting import ModelType
from domain.market import Timeframe
from models.drift.verdicts import BrierTrend, DriftStatus, FeatureDrift
from models.registry.registry import Registry
from services.drift.findings import DriftFinding
from storage.document_ports import MODEL_DRIFT
from storage.sqlite.documents import SqliteDocumentStore
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.degraded import parts
from tests.fixtures.drifting import serve
from tests.fixtures.patience import wait_until

pytest_plugins = ["tests.fixtures.registry"]
ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python cli.py train FILE --type lstm --symbol BTCUSDT --timeframe 1h"


def alarm_of(version: str) -> DriftFinding:
    return DriftFinding(
        symbol="BTCUSDT",
        timeframe=Timeframe.H1,
        version=version,
        model_type=ModelType.LSTM,
        status=DriftStatus.ALARM,
        reason="27 of 75 features are further from the training than any stretch of it",
        checked_at=datetime.now(UTC),
        candles=300,
        newest_ms=1_646_092_800_000,
        features=75,
        drifted=27,
        worst=(FeatureDrift("atr_14_share", 3.1, 0.8, 0.9, 0.3),),
        features_status=DriftStatus.ALARM,
        brier=BrierTrend(600, 0.24, 0.27, 0.24, 1_646_000_000_000),
    )


async def keep(database: Path, finding: DriftFinding) -> None:
    documents = SqliteDocumentStore(database)
    await documents.open()
    await documents.put(MODEL_DRIFT, "BTCUSDT 1h", finding.document())
    await documents.close()


def test_a_version_without_a_reference_says_so(make_client: MakeClient, registry: Registry) -> None:
    model = serve(registry, None)
    (found,) = make_client(STRANGER).get("/ai/models/drift").json()["models"]
    assert found["version"] == model.version
    assert found["drifted"] == 0
    assert found["retrain_command"] == COMMAND


def test_an_alarm_is_shown_named_by_health_and_printed(
    make_client: MakeClient, registry: Registry, tmp_path: Path
) -> None:
    finding = alarm_of(serve(registry, None).version)
    database = tmp_path / "drift.db"
    asyncio.run(keep(database, finding))
    asyncio.run(keep(database, replace(finding, drifted=28)))
    client = make_client(storage={"url": f"sqlite:///{database}"})
    (found,) = client.get("/ai/models/drift").json()["models"]
    assert (found["status"], found["drifted"], found["newest_at"]) == ("alarm", 28, 1_646_092_800_000)
    assert found["worst"] == [
        {"feature": "atr_14_share", "psi": 3.1, "ks": 0.8, "usual_psi": 0.9, "usual_ks": 0.3},
    ]
    assert found["brier"]["risen_at"] == 1_646_000_000_000
    assert COMMAND in found["advice"]
    wait_until(lambda: "model_drift BTCUSDT 1h" in parts(client))
    assert COMMAND in parts(client)["model_drift BTCUSDT 1h"]["remedy"]
    assert 'model_drift{horizon="usual",symbol="BTCUSDT",timeframe="1h"} 2.0' in client.get("/metrics").text
    environment = {
        "MODEL_SAVE_PATH": str(registry.root),
        "MODELS__SHIPPED": "false",
        "DATABASE_URL": f"sqlite:///{database}",
        "PATH": "/usr/bin",
    }
    ran = subprocess.run(
        [sys.executable, "cli.py", "models", "drift", "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["models"] == [found]
