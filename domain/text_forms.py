"""Texts of a certain form, whose refusals say in words what is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class TextForm:
    """A constraint of pydantic for `Annotated[str, TextForm(…)]`; JSON schemas show it as `pattern`.

    Attributes:
        pattern: Regular expression of the whole text, from `^` to `$`.
        needs: The same for a person, such as "needs a date such as 2026-01-31".
    """

    pattern: str
    needs: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after its type."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Name the pattern in documents."""
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(self.needs)
        return text
