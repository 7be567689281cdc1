"""What a person reads about a setting that cannot be used: where it was set, what it needs, what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from operator import eq
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.errors.needs import need_of

# Similarity to a key's name from which an unknown one counts as misspelled, 0 to 1.
_MISSPELLED = 0.7


def one_line(
    error: ValidationError, tree: type[BaseModel], origin: Mapping[tuple[str, ...], str], file_name: str
) -> str:
    """Return a line about the first key at fault.

    Args:
        error: What pydantic found.
        tree: The model of all settings.
        origin: The variable or file that set a path, oldest first.
        file_name: The file that sets all other paths.
    """
    first = error.errors(include_url=False)[0]
    location = tuple(str(part) for part in first["loc"])
    reason = _reason(first, tree, location)
    if not location:  # of several sections together
        return reason
    # The newest name that set the key itself, a part of it, or the whole that it is a part of.
    where = next((name for path, name in reversed(list(origin.items())) if all(map(eq, path, location))), file_name)
    return f"{where}: {'.'.join(location)}: {reason}"


def _reason(error: ErrorDetails, tree: type[BaseModel], location: tuple[str, ...]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        near = get_close_matches(location[-1], _keys_beside(tree, location), n=1, cutoff=_MISSPELLED)
        return f"unknown key: is {near[0]} meant?" if near else "unknown key"
    if kind in {"too_short", "string_too_short"}:
        return "needs a value, received none" if context["min_length"] == 1 else f"needs {context['min_length']} values"
    return need_of(error, switch="on or off")


def _keys_beside(tree: type[BaseModel], location: Iterable[str]) -> list[str]:
    """Return the keys of the section that the last part of a path was looked for in."""
    section: Any = tree
    *above, _ = location
    for key in above:
        field = section.model_fields.get(key)
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if section is None:
            return []
    return list(section.model_fields)
