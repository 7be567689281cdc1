"""What a person reads about a setting that cannot be used: where it was set, what it needs, what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from operator import eq
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

# Similarity to a key's name from which an unknown one counts as misspelled, 0 to 1.
_MISSPELLED = 0.7
# Characters of a value that are repeated.
_LONGEST_SHOWN = 40

# By pydantic's type of the error, with the names of its context.
_NEEDS = {
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_from_float": "needs a whole number",
    "float_type": "needs a number",
    "float_parsing": "needs a number",
    "finite_number": "needs a finite number",
    "bool_type": "needs on or off",
    "bool_parsing": "needs on or off",
    "literal_error": "needs {expected}",
    "enum": "needs {expected}",
    "greater_than": "needs more than {gt}",
    "greater_than_equal": "needs at least {ge}",
    "less_than": "needs less than {lt}",
    "less_than_equal": "needs at most {le}",
    "string_type": "needs a text",
    "tuple_type": "needs a list",
    "list_type": "needs a list",
    "dict_type": "needs keys and values under it",
    "model_type": "needs keys under it",
    "missing": "needs a value",
}
# Of these the value is no more than a number, a switch or a word of a list: it may be repeated.
_SHOWN = frozenset(
    {
        *("int_parsing", "int_from_float", "float_parsing", "finite_number", "bool_parsing", "literal_error", "enum"),
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
    }
)


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
    if kind not in _NEEDS:
        return error["msg"].removeprefix("Value error, ")
    received = error["input"]
    needs = _NEEDS[kind].format(**{name: _whole(value) for name, value in context.items()})
    shown = str(received) if kind in _SHOWN and isinstance(received, str | int | float) else ""
    return f"{needs}, received {shown}" if 0 < len(shown) <= _LONGEST_SHOWN else needs


def _whole(value: Any) -> Any:
    """Return 0 for 0.0, as a person writes it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
