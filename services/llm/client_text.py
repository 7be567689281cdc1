"""Texts of clients made harmless for a prompt: short, on one line, without marks that could end their part."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 100
MAX_ITEMS = 20


def clean(value: Any) -> Any:
    """Return JSON-like values with every text and name cleaned, at most `MAX_ITEMS` in each list and mapping."""
    match value:
        case str():
            return clean_text(value)
        case Mapping():
            return {clean_text(str(name)): clean(item) for name, item in list(value.items())[:MAX_ITEMS]}
        case list() | tuple():
            return [clean(item) for item in value[:MAX_ITEMS]]
    return value


def clean_text(text: str, max_length: int = MAX_TEXT) -> str:
    """Return a text without control characters and angle brackets, white space collapsed, cut to `max_length`.

    Invisible characters (Unicode's categories C and Z but for the space) become spaces: in them an
    instruction could hide from a reader of the log. Angle brackets could end the part of the prompt
    that the text stands in.
    """
    visible = (" " if _hides(character) else character for character in text[: 4 * max_length])
    return " ".join("".join(visible).split())[:max_length]


def _hides(character: str) -> bool:
    return character in "<>" or unicodedata.category(character)[0] in "CZ"
