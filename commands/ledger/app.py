"""`ledger`: what was said, and the outcomes."""

from __future__ import annotations

import typer

from commands.ledger.bands import bands
from commands.ledger.entries import list_entries, show_entry
from commands.ledger.exports import export, regrade_export, verify_exports
from commands.ledger.scores import scores

ledger = typer.Typer(help="What every lane said, and the outcomes.", no_args_is_help=True)
ledger.command("list")(list_entries)
ledger.command("show")(show_entry)
ledger.command()(scores)
ledger.command()(bands)
ledger.command()(export)
ledger.command("verify")(verify_exports)
ledger.command("regrade")(regrade_export)
