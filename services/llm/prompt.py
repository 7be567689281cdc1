"""The parts of every prompt: instructions, facts, texts of clients, schema of the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.llm.calling.calls import ReplySchema
from services.llm.client_text import clean

# Digits enough for a judgement; more would make equal markets look different.
DIGITS = 6


@dataclass(frozen=True)
class Prompt:
    """One question in its final form; equal facts give an equal prompt.

    Attributes:
        version: Name of the file of instructions.
        facts: The facts before they were written as a text.
    """

    version: str
    system: str
    user: str
    facts: Mapping[str, Any]
    reply_schema: ReplySchema


def make_prompt(
    instructions: Path, facts: Mapping[str, Any], client_data: Mapping[str, Any], reply_schema: ReplySchema
) -> Prompt:
    """Return the prompt: measured facts and, apart from them, the cleaned texts of a client.

    Args:
        instructions: A text file, whose name is the prompt's version.
        facts: JSON-like.
        client_data: JSON-like, from outside.
        reply_schema: Of the reply.
    """
    rounded = _rounded(facts)
    user = f"<facts>\n{_json(rounded)}\n</facts>\n<client_data>\n{_json(clean(client_data))}\n</client_data>"
    return Prompt(instructions.stem, _text(instructions), user, rounded, reply_schema)


@lru_cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case Mapping():
            return {str(name): _rounded(item) for name, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
    return value
