"""`ledger`: what was said, and what it came to."""

from __future__ import annotations

import typer

from commands.ledger.scores import scores

ledger = typer.Typer(help="What every lane said, and what it came to.", no_args_is_help=True)
ledger.command()(scores)
