"""How commands show the values of their options in their help."""

from __future__ import annotations

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

_FORMAT_WORDS = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH", "%M": "MM", "%S": "SS"}


def explain(command: object) -> None:
    """Let the help of a command and of those below it show flags without a value, and break lists between words."""
    if not isinstance(command, TyperCommand | TyperGroup):
        return
    context = typer.Context(command)
    for option in command.get_params(context):
        if isinstance(option, TyperOption) and option.metavar is None:
            option.metavar = "" if option.is_flag else _in_words(option.display_type(context))
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            explain(below)


def _in_words(label: str) -> str:
    for code, word in _FORMAT_WORDS.items():
        label = label.replace(code, word)
    return label.replace("|", " | ")
