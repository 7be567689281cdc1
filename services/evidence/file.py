"""The file of measured evidence, and what weighs plans by it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from config.backtest_settings import TradingSettings
from config.errors.needs import named_need_of
from config.files import read_at_most
from domain.errors import ConfigurationError
from rules.evidence.measured import MeasuredEvidence
from rules.evidence.weighing import Weigher

SETTING = "trading.evidence_file"
SHIPPED = "shipped"
MAX_BYTES = 16_000_000
SHIPPED_FILE = Path(__file__).resolve().parents[2] / "config" / "evidence.json"


def open_weigher(settings: TradingSettings) -> Weigher:
    """Return what weighs plans by the configured evidence and costs.

    Raises:
        ConfigurationError: the file cannot be read, or has another content.
    """
    return Weigher(read_evidence(settings.evidence_file), settings.costs)


def read_evidence(name: str, named_by: str = SETTING) -> MeasuredEvidence | None:
    """Return the evidence of a file, `shipped` or a path; None for an empty name.

    Args:
        name: Of the file.
        named_by: The setting or the option that has the name, for the message of an error.

    Raises:
        ConfigurationError: the file cannot be read, or has another content.
    """
    if not name:
        return None
    path = SHIPPED_FILE if name == SHIPPED else Path(name)
    try:
        return _parsed(read_at_most(path, MAX_BYTES))
    except OSError as error:
        raise ConfigurationError(f"{named_by}: {path}: {error.strerror}") from error
    except ValidationError as error:
        found = named_need_of(error.errors()[0])
        raise ConfigurationError(f"{named_by}: {path} is no evidence: {found}") from error


@lru_cache(maxsize=2)
def _parsed(content: bytes) -> MeasuredEvidence:
    return MeasuredEvidence.model_validate_json(content)
