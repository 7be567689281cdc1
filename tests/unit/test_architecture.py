"""The import table of docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from models.registry.registry import Registry
from tests.fixtures.models import NOON, add_model

ROOT = Path(__file__).resolve().parents[2]

STORAGE_PORTS = {"storage.ports", "storage.document_ports", "storage.ledger_ports"}
# package -> project packages it may import; "storage" stands for all of it, "storage.ports" for the one module
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "config": {"domain"},
    "utils": {"domain", "config"},
    "features": {"domain", "config"},
    "rules": {"domain", "config", "features"},
    "backtesting": {"domain", "config", "features", "rules"},
    "models": {"domain", "config", "features"},
    "storage": {"domain", "utils", "config"},
    "services": {"domain", "config", "utils", "features", "rules", "backtesting", "models", *STORAGE_PORTS},
    "tasks": {
        *("domain", "config", "utils", "features", "rules", "backtesting", "models"),
        *STORAGE_PORTS,
        # A job may need a database that ends with it.
        "storage.factory",
        "services",
    },
    "container": {
        "domain",
        "config",
        "utils",
        "features",
        "rules",
        "backtesting",
        "models",
        "storage",
        "services",
        "tasks",
    },
    "demo": set(),
    "api": {
        "domain",
        "config",
        "utils",
        "features",
        "rules",
        "backtesting",
        "models",
        *STORAGE_PORTS,
        "services",
        "container",
    },
    "commands": {
        *(
            "domain",
            "config",
            "utils",
            "features",
            "rules",
            "backtesting",
            "models",
            "services",
            "storage.adapter_ports",
            "storage.ledger_ports",
            "storage.factory",
            "storage.ledger_ports",
            "demo",
        )
    },
}
# third-party package -> the only places that may import it
ONLY_IN: dict[str, tuple[str, ...]] = {
    "fastapi": ("api/", "demo/"),
    "starlette": ("api/",),
    "uvicorn": ("api/", "demo/"),
    "slowapi": ("api/",),
    "motor": ("storage/mongo/",),
    "pymongo": ("storage/mongo/",),
    "redis": ("services/replicas/link.py",),
    "sqlite3": ("storage/sqlite/",),
    "celery": ("tasks/celery_",),
    "kombu": ("tasks/celery_",),
    "amqp": ("tasks/celery_",),
    "openai": ("services/llm/calling/endpoint.py",),
    "apprise": ("services/notices/channels.py",),
    "opentelemetry": ("utils/tracing.py", "utils/trace_export.py", "api/tracing.py"),
    "ta": ("features/families/definitions.py",),
    "arro3": ("features/candle_reading/tables/binary_tables.py",),
    "ccxt": ("services/market_data/sources/ccxt_exchange.py",),
    "fcntl": ("models/registry/durable_files.py", "storage/resilience/spool.py", "backtesting/trials/registry.py"),
    "onnxruntime": ("models/serving/session.py", "models/export/"),
    "matplotlib": ("models/evaluation/", "services/evidence/pictures.py"),
    "optuna": ("backtesting/search/studies.py",),
    # what trains; the serving process never needs it
    "keras": (
        "models/architectures/",
        "models/export/",
        "models/architectures/network.py",
        "models/training/learning_rate.py",
        "models/training/network_training.py",
    ),
    "tensorflow": (),
    "jax": (),
    "xgboost": ("models/architectures/xgboost.py",),
    "lightgbm": ("models/architectures/lightgbm.py",),
    "onnx": ("models/export/",),
    "skl2onnx": ("models/architectures/",),
    "onnxmltools": ("models/architectures/xgboost.py", "models/architectures/lightgbm.py"),
}
PROJECT = {*MAY_IMPORT, "main", "cli"}


@cache
def _statements(path: Path) -> list[ast.Import | ast.ImportFrom | ast.ClassDef]:
    """Return the imports and classes of a file, which several tests read."""
    kinds = (ast.Import, ast.ImportFrom, ast.ClassDef)
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)]


def _imports(path: Path) -> Iterator[str]:
    for node in _statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _files() -> list[Path]:
    packages = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
    return [*packages, ROOT / "main.py", ROOT / "cli.py"]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_the_table_allows(package: str) -> None:
    allowed = {package, *MAY_IMPORT[package]}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in _imports(path)
        if name.split(".")[0] in PROJECT and not {name, name.split(".")[0], ".".join(name.split(".")[:2])} & allowed
    ]
    assert wrong == []


def test_third_party_libraries_stay_in_their_place() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _files()
        for name in _imports(path)
        if (places := ONLY_IN.get(name.split(".")[0])) and not str(path.relative_to(ROOT)).startswith(places)
    ]
    assert wrong == []


HEAVY = [
    "pandas",
    "ta",
    "tensorflow",
    "keras",
    "motor",
    "sklearn",
    "xgboost",
    "lightgbm",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "jax",
    "openai",
    "optuna",
    "celery",
    "apprise",
    "redis",
    "opentelemetry.sdk",
    "opentelemetry.exporter",
]


@cache
def _loaded_with(modules: str) -> frozenset[str]:
    """Return the names of all modules that a process has after importing some."""
    code = f"import {modules}, sys; print(*sys.modules)"
    environment = {"PATH": "", "DATABASE_URL": "sqlite:///unused.db", "ADMIN_TOKEN": "unused"}
    command = [sys.executable, "-c", code]
    return frozenset(
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.split()
    )


@pytest.mark.parametrize("heavy", HEAVY)
def test_serving_does_not_import_what_it_does_not_need(heavy: str) -> None:
    assert heavy not in _loaded_with("main")


def test_a_forecast_imports_the_runtime_and_nothing_that_trains(tmp_path: Path) -> None:
    Registry(tmp_path).promote(add_model(Registry(tmp_path)).version, by="gate", reason="better", at=NOON)
    code = f"""
import sys, container
from pathlib import Path
from domain.market import Timeframe
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
print(LoadedModels(Registry(Path({str(tmp_path)!r})), 5, print).find("BTCUSDT", Timeframe.H1).metadata.type)
print(*({{"onnxruntime", *{HEAVY!r}}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["lstm", "onnxruntime"]


@pytest.mark.parametrize("heavy", ["scipy", "sklearn", "matplotlib"])
def test_judging_loads_no_library_before_it_is_used(heavy: str) -> None:
    modules = ", ".join(f"models.evaluation.{path.stem}" for path in (ROOT / "models/evaluation").glob("[a-z]*.py"))
    assert heavy not in _loaded_with(modules)


def test_the_catalogue_of_architectures_imports_no_library_that_trains() -> None:
    heavy = {"keras", "tensorflow", "jax", "sklearn", "xgboost", "lightgbm", "onnx", "skl2onnx", "onnxmltools", "scipy"}
    assert heavy & _loaded_with("models.architectures.catalogue") == set()


def _imported_names(path: Path) -> Iterator[str]:
    """Yield what is imported, names of modules with what is taken from them."""
    for node in _statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in _files() if path.stem != "__init__"
    }


def _known(name: str, modules: dict[str, Path]) -> str | None:
    """Return the module of the project that an import names, or a name in it."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def _rooms(importer: str, imported: str) -> tuple[str, str]:
    """Return the two folders or files, side by side in one folder, that an import goes from and to."""
    one, other = importer.split("."), imported.split(".")
    floor = next(at for at, parts in enumerate(zip(one, other, strict=False)) if parts[0] != parts[1])
    return ".".join(one[: floor + 1]), ".".join(other[: floor + 1])


def test_no_two_folders_import_each_other() -> None:
    modules = _modules()
    imports = {
        _rooms(importer, imported)
        for importer, path in modules.items()
        for name in _imported_names(path)
        if (imported := _known(name, modules)) not in {None, importer}
    }
    assert sorted(pair for pair in imports if pair[0] < pair[1] and pair[::-1] in imports) == []


def test_no_folder_holds_more_than_sixteen_files() -> None:
    folders = Counter(path.parent for path in _modules().values())
    crowded = {str(folder.relative_to(ROOT)) for folder, count in folders.items() if count > 16 and folder != ROOT}
    assert crowded == set()


def test_no_class_name_is_used_twice() -> None:
    folders = [ROOT / name for name in (*MAY_IMPORT, "benchmarks")]
    found = [node for folder in folders for path in folder.rglob("*.py") for node in _statements(path)]
    names = Counter(node.name for node in found if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_files_fit_in_the_head() -> None:
    long = [str(path.relative_to(ROOT)) for path in _files() if len(path.read_text().splitlines()) > 250]
    assert long == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_the_image_holds_every_package(package: str) -> None:
    assert f"!{package}" in (ROOT / ".dockerignore").read_text().splitlines()
    assert f"COPY {package} {package}" in (ROOT / "Dockerfile").read_text().splitlines()


@pytest.mark.parametrize(
    "heavy",
    [
        *("tensorflow", "keras", "sklearn", "xgboost", "lightgbm", "onnxruntime"),
        *("matplotlib", "fastapi", "optuna", "celery"),
    ],
)
def test_the_command_line_starts_without_what_only_some_commands_need(heavy: str) -> None:
    assert heavy not in _loaded_with("cli")
