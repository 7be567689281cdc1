"""Reads stored analyses back, also those that another version of the service wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loguru import logger
from pydantic import ValidationError

from domain.analysis import Analysis


class AnalysisDecoder:
    """Decodes stored analyses; one that no longer fits is a miss, and the first is logged as a warning."""

    def __init__(self, store_kind: str) -> None:
        self._store_kind = store_kind
        self._warned = False

    def from_json(self, text: str) -> Analysis | None:
        """Return the analysis of a JSON text, or None if it does not fit."""
        return self._decoded(Analysis.model_validate_json, text)

    def from_document(self, document: Any) -> Analysis | None:
        """Return the analysis of a document, or None if it does not fit."""
        return self._decoded(Analysis.model_validate, document)

    def _decoded(self, validate: Callable[[Any], Analysis], stored: Any) -> Analysis | None:
        try:
            return validate(stored)
        except ValidationError as error:
            self._warn(error)
            return None

    def _warn(self, error: ValidationError) -> None:
        if not self._warned:
            self._warned = True
            fields = ", ".join(sorted({str(entry["loc"][0]) for entry in error.errors() if entry["loc"]}))
            logger.bind(store=self._store_kind, fields=fields).warning(
                "a stored analysis does not fit this version of the service and is not used"
            )
