"""The libraries that only train, search and draw, and what to do where they are not installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from domain.errors import LibraryMissing

# Modules of the extra `train` of pyproject.toml, which requirements-serve.txt leaves out.
TRAINING = frozenset(
    {"tensorflow", "keras", "sklearn", "xgboost", "lightgbm", "onnx", "skl2onnx", "onnxmltools", "optuna", "matplotlib"}
)


def require(what: str, modules: Iterable[str]) -> None:
    """Refuse work whose libraries are not installed here; none of them is loaded.

    Args:
        what: Names the work, such as `a job of the kind train`.
        modules: What it imports.

    Raises:
        LibraryMissing: at least one is not installed.
    """
    if missing := [module for module in modules if find_spec(module) is None]:
        raise LibraryMissing(lack(what, missing))


def lack(what: str, modules: Iterable[str]) -> str:
    """Return the sentence that says what is missing and how to get it."""
    return (
        f"{what} needs {', '.join(modules)}, which this installation does not have: it serves only. Install "
        "requirements.txt instead of requirements-serve.txt, or let workers run jobs (JOBS_BACKEND=celery)"
    )


def lack_of(error: ModuleNotFoundError, what: str) -> str | None:
    """Return the sentence for an import that failed; None where another installation would not help."""
    module = (error.name or "").split(".")[0]
    return lack(what, [module]) if module in TRAINING else None
