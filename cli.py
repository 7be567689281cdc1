"""The command line: serve; analyze, train, evaluate and backtest on files of candles; manage models and the store."""

from __future__ import annotations

import errno
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from commands.analyze import analyze
from commands.backtesting.backtest import backtest, verify
from commands.backtesting.bias import bias
from commands.backtesting.evidence import evidence
from commands.backtesting.optimise import optimise
from commands.candle_files import candles
from commands.console import fail
from commands.evaluate import evaluate
from commands.features import features
from commands.ledger.app import ledger
from commands.ledger.drill import drill
from commands.ledger.replay import replay
from commands.llm import announce, demo_llm, llm
from commands.models import models
from commands.predict import predict
from commands.service.jobs import jobs
from commands.service.reports import reports
from commands.service.safe_mode import safe_mode
from commands.storage import storage
from commands.train import train
from config.admin_token import with_admin_token
from config.sources import load_settings
from domain.errors import AppError
from utils.libraries import lack_of

cli = typer.Typer(
    help="AI trading signals: candles in, Long, Short or Neutral out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo-llm", help="Use a local demonstration endpoint instead of an LLM; no key needed.")
    ] = False,
) -> None:
    """Run the service: REST on /ai, signals on /ws, documentation on /docs."""
    from api.app import create_app  # FastAPI is only needed to serve
    from api.server.serving import serve as serve_app
    from container import build_container, check_adapters
    from utils.logging import configure_logging

    server = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    with ExitStack() as stack:
        demonstration = {"llm": stack.enter_context(demo_llm())} if demo else {}
        settings = load_settings(overrides={"server": server, **demonstration})
        check_adapters(settings)
        settings = with_admin_token(settings)
        logs = configure_logging(settings.logging, settings.secret_values())
        if demo:
            announce(settings)
        serve_app(create_app(settings, partial(build_container, logs=logs)), settings)


@cli.command("admin-token")
def admin_token() -> None:
    """Print the administrator's token, for local scripts; creates it if there is none yet."""
    token = with_admin_token(load_settings()).access.admin_token
    typer.echo(token.get_secret_value() if token else "")


for command in (analyze, features, train, evaluate, predict, replay, backtest, optimise, verify, drill):
    cli.command()(command)
cli.add_typer(bias, name="bias")
cli.add_typer(candles, name="candles")
cli.add_typer(evidence, name="evidence")
cli.add_typer(jobs, name="jobs")
cli.add_typer(ledger, name="ledger")
cli.add_typer(llm, name="llm")
cli.add_typer(models, name="models")
cli.add_typer(reports, name="reports")
cli.add_typer(safe_mode, name="safe-mode")
cli.add_typer(storage, name="storage")


def main() -> None:
    """Run the command line; an AppError is printed as one line, not as a traceback."""
    try:
        cli()
    except AppError as error:
        fail(error.message)
        raise SystemExit(2) from None
    except ModuleNotFoundError as error:
        if (message := lack_of(error, "this command")) is None:
            raise
        fail(message)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        fail(f"no space is left for {error.filename or 'a file'}; free some on its disk and run this again")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
