"""What is wrong with the arguments of a command, as one line in plain words."""

from __future__ import annotations

import re

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from config.errors.needs import need_of

# What the library says of a word that is none of a list, and of a time in no known format.
_NO_CHOICE = re.compile(r"'(?P<received>.*?)' is not one of (?P<words>'.*')\.")
_NO_TIME = re.compile(r"'(?P<received>.*?)' does not match the formats? (?P<formats>.*)\.")
_LONGEST_SHOWN = 40


def usage_words(error: TyperException) -> str:
    """Return the option or argument at fault, what it needs and what it was, and where its help is.

    Empty for a command without arguments that has printed its help instead.
    """
    words = error.format_message().strip()
    if isinstance(error, typer.BadParameter) and isinstance(error.__cause__, ValidationError):
        words = f"{_named(error)}: {_needed(need_of(error.__cause__.errors()[0]))}"
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{words.rstrip('.')}; see {command} --help" if words and command else words


def _named(error: typer.BadParameter) -> str:
    """Return the long name of an option, or the argument as its command shows it."""
    hint = error.param_hint or (error.param.get_error_hint() if error.param else "")
    return (hint if isinstance(hint, str) else hint[-1]).split(" / ")[-1].strip("'\"")


def _needed(words: str) -> str:
    if found := _NO_CHOICE.fullmatch(words):
        needs = f"needs one of {found['words'].replace(chr(39), '')}"
    elif found := _NO_TIME.fullmatch(words):
        minutes = " or 2026-01-31T12:30" if "%M" in found["formats"] else ""
        needs = f"needs a day in UTC such as 2026-01-31{minutes}"
    else:
        return words
    received = found["received"]
    return f"{needs}, received {received}" if 0 < len(received) <= _LONGEST_SHOWN else needs
