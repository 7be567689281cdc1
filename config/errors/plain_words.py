"""What pydantic finds wrong with a value, in the words of a person: what is needed, and what it was."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

# Characters of a value that are repeated.
_LONGEST_SHOWN = 40

# By pydantic's type of the error, with the names of its context.
_NEEDS = {
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_parsing_size": "needs a smaller whole number",
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
    "string_too_long": "needs at most {max_length} characters",
    "too_long": "needs at most {max_length} values",
    "tuple_type": "needs a list",
    "list_type": "needs a list",
    "dict_type": "needs keys and values under it",
    "model_type": "needs keys under it",
    "model_attributes_type": "needs keys under it",
    "missing": "needs a value",
    "extra_forbidden": "unknown key",
    "datetime_from_date_parsing": "needs a time in the form of ISO 8601",
    "datetime_parsing": "needs a time in the form of ISO 8601",
    "timezone_aware": "needs a time with its zone, such as 2026-01-31T00:00:00Z",
    "json_invalid": "is no JSON",
}
# Of these the value is no more than a number, a switch or a word of a list: it may be repeated.
_SHOWN = frozenset(
    {
        *("int_parsing", "int_from_float", "float_parsing", "finite_number", "bool_parsing", "literal_error", "enum"),
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
    }
)


def plain_words(error: ErrorDetails) -> str:
    """Return what a value needs and, where that tells nothing private, what it was: needs at least 2, received 1."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"too_short", "string_too_short"}:
        least = context["min_length"]
        unit = "characters" if kind == "string_too_short" else "values"
        return "needs a value, received none" if least == 1 else f"needs at least {least} {unit}"
    if kind not in _NEEDS:
        return error["msg"].removeprefix("Value error, ")
    received = error.get("input")
    needs = _NEEDS[kind].format(**{name: _whole(value) for name, value in context.items()})
    shown = str(received) if kind in _SHOWN and isinstance(received, str | int | float) else ""
    return f"{needs}, received {shown}" if 0 < len(shown) <= _LONGEST_SHOWN else needs


def named_words(error: ErrorDetails) -> str:
    """Return the same behind the place of the value, such as `trials: needs at least 2, received 1`."""
    place = ".".join(map(str, error["loc"]))
    words = plain_words(error)
    return f"{place}: {words}" if place else words


def _whole(value: Any) -> Any:
    """Return 0 for 0.0, as a person writes it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
