"""The LLM from the command line: one call to check it, and a demonstration without a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from commands.console import errors, show
from commands.options import Json
from config.settings import Settings
from config.sources import load_settings
from domain.errors import LlmUnavailable

llm = typer.Typer(help="Check the language model.", no_args_is_help=True)


@llm.command()
def check(as_json: Json = False) -> None:
    """Ask the configured LLM once and print the result; the call is paid for and recorded like any other."""
    settings = load_settings()
    from services.llm.probe import NOT_CONFIGURED, Probe, probe
    from utils.logging import configure_logging

    # An error is printed once, at the end.
    configure_logging(settings.logging.model_copy(update={"level": "ERROR"}), settings.secret_values())

    if not settings.llm.enabled:
        raise LlmUnavailable("no LLM is configured: set OPENAI_API_KEY or OPENAI_BASE_URL", NOT_CONFIGURED)

    async def ask() -> Probe:
        from services.llm.parts import open_llm
        from storage.factory import open_documents
        from utils.clock import SystemClock

        async with (
            open_documents(settings.storage) as documents,
            open_llm(settings.llm, documents, SystemClock()) as parts,
        ):
            return await probe(parts.client)

    found = asyncio.run(ask())
    if found.error is not None:
        raise LlmUnavailable(f"{found.error}; {found.diagnosis}", found.reason or "")
    url = urlsplit(settings.llm.base_url)
    # Without what may be a password.
    endpoint = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl() or "OpenAI"
    document = {"endpoint": endpoint, "model": found.model, "answer": found.answer}
    lines = "\n".join(f"{name:<10}{value}" for name, value in document.items())
    show(document, Text(lines), as_json)


@contextmanager
def demo_llm() -> Iterator[dict[str, Any]]:
    """Serve the demonstration endpoint on loopback, and yield the settings that point to it."""
    from demo.behaviors import MODEL
    from demo.openai_server import FakeOpenAI, serving

    free = {"input": 0, "cached_input": 0, "output": 0}
    with serving(FakeOpenAI()) as url:
        yield {
            "api_key": None,
            "backup_keys": (),
            "key_groups": (),
            "base_url": url,
            "model": MODEL,
            "fallback_models": (),
            "spacing_seconds": 0,
            "ask_about_synthetic": True,
            "models": {MODEL: {"prices": free}},
        }


def announce(settings: Settings) -> None:
    """Print that a demonstration stands in for the LLM."""
    words = f"DEMONSTRATION: {settings.llm.model} at {settings.llm.base_url} answers by simple rules, it is no model"
    errors.print(words, style="yellow", highlight=False, markup=False, soft_wrap=True)
