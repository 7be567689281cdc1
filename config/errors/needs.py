"""What a value needs that pydantic refuses, in words for a person."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import ErrorDetails

# What is repeated of a value: a number, or a short word. A token is longer, and markup is no word.
_SHOWN = re.compile(r"[A-Za-z0-9_.+-]{1,20}")

# By pydantic's type of the error, with the names of its context.
_NEEDS = {
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_parsing_size": "needs a whole number that is not so long",
    "int_from_float": "needs a whole number",
    "float_type": "needs a number",
    "float_parsing": "needs a number",
    "finite_number": "needs a finite number",
    "bool_type": "needs {switch}",
    "bool_parsing": "needs {switch}",
    "literal_error": "needs {expected}",
    "enum": "needs {expected}",
    "greater_than": "needs more than {gt}",
    "greater_than_equal": "needs at least {ge}",
    "less_than": "needs less than {lt}",
    "less_than_equal": "needs at most {le}",
    "string_type": "needs a text",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "needs at most {max_length} characters",
    "string_pattern_mismatch": "needs a text of the form {pattern}",
    "string_unicode": "needs a text in UTF-8",
    "date_type": "needs a date such as 2026-01-31",
    "date_from_datetime_parsing": "needs a date such as 2026-01-31",
    "date_parsing": "needs a date such as 2026-01-31",
    "datetime_parsing": "needs a time such as 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "needs a time such as 2026-01-31T12:00:00Z",
    "tuple_type": "needs a list",
    "list_type": "needs a list",
    "too_short": "needs at least {min_length} entries",
    "too_long": "needs at most {max_length} entries",
    "dict_type": "needs keys and values under it",
    "model_type": "needs keys under it",
    "model_attributes_type": "needs keys under it",
    "missing": "needs a value",
    "timezone_aware": "needs a time with its zone, such as 2026-01-31T00:00:00Z",
    "json_invalid": "is no JSON",
    "extra_forbidden": "is no key that is known here",
}
_EMPTY = {"string_too_short": "needs a text that is not empty", "too_short": "needs at least one entry"}
# Of these the value is no more than a number, a switch or a word of a list.
_MAY_BE_SHOWN = frozenset(
    {
        *("int_parsing", "int_from_float", "float_parsing", "finite_number", "bool_parsing", "literal_error", "enum"),
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
    }
)


def need_of(error: ErrorDetails | dict[str, Any], switch: str = "true or false") -> str:
    """Return what a value needs, and what it was where that is a number or a short word; never a secret.

    Args:
        error: One of pydantic's errors of a value.
        switch: The words for the two values of a switch, where it is set.
    """
    kind = error["type"]
    if kind not in _NEEDS:
        return str(error["msg"]).removeprefix("Value error, ")
    if kind in _EMPTY and error["ctx"]["min_length"] == 1:
        return _EMPTY[kind]
    need = _NEEDS[kind].format(switch=switch, **{name: _whole(value) for name, value in error.get("ctx", {}).items()})
    received = error.get("input")
    shown = str(received) if kind in _MAY_BE_SHOWN and isinstance(received, str | int | float) else ""
    return f"{need}, received {shown}" if _SHOWN.fullmatch(shown) else need


def named_need_of(error: ErrorDetails) -> str:
    """Return the same behind the place of the value, such as `trials: needs at least 2, received 1`."""
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {need_of(error)}" if place else need_of(error)


def _whole(value: Any) -> Any:
    """Return 0 for 0.0, as a person writes it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
