"""ONNX Runtime reports nothing about the service to its makers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from models.registry.registry import Registry
from tests.fixtures.models import NOON, add_model

ROOT = Path(__file__).resolve().parents[3]


def test_a_forecast_leaves_no_id_of_this_machine_for_reports_to_the_runtimes_makers(tmp_path: Path) -> None:
    registry, home = Registry(tmp_path / "models"), tmp_path / "home"
    registry.promote(add_model(registry).version, by="gate", reason="better", at=NOON)
    home.mkdir()
    code = f"""
from pathlib import Path
from domain.market import Timeframe
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
assert LoadedModels(Registry(Path({str(registry.root)!r})), 5, print).find("BTCUSDT", Timeframe.H1)
"""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert list(home.rglob("*")) == []
