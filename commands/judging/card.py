"""`models card`: what a version was trained on, what it can do and what not, as Markdown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.console import show
from commands.manager import holder_of
from commands.options import Horizon, Json, Version
from config.files import whole_file
from config.sources import load_settings


def card(
    version: Version,
    horizon: Horizon = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the card instead of printing it.")] = None,
    as_json: Json = False,
) -> None:
    """Print the card of a version as Markdown: data, figures, limits, and the command that makes it again."""
    from models.cards.card import model_card
    from models.registry.trials import count_trials

    key, registry = holder_of(load_settings(), version, horizon)
    model = registry.open(version).metadata
    written = model_card(model, count_trials(registry.root, registry.versions().models).get(version), key)
    if out is not None:
        with whole_file(out) as part:
            part.write_text(written, encoding="utf-8")
    if as_json:
        show({"version": version, "card": written, "file": str(out) if out else None}, "", as_json)
    elif out is None:
        sys.stdout.write(written)
