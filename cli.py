"""The command line: serve; analyze, train, evaluate and backtest on files of candles; manage models and the store."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

from utils.standard_streams import open_standard_streams

if __name__ == "__main__":
    open_standard_streams()
    # Ctrl-C during the seconds of the imports ends the command without a traceback; commands take it from there.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import typer
from loguru import logger
from typer.exceptions import TyperException
from typer.main import get_command

from commands.analyze import analyze
from commands.backtesting.backtest import backtest, verify
from commands.backtesting.bias import bias
from commands.backtesting.evidence import evidence
from commands.backtesting.optimise import optimise
from commands.candles.app import candles
from commands.console import INTERRUPTED, fail
from commands.evaluate import evaluate
from commands.features import features
from commands.help import explain
from commands.judging.attention import attention
from commands.judging.card import card
from commands.judging.figures import figures
from commands.judging.importance import importance
from commands.judging.listing import list_models
from commands.ledger.app import ledger
from commands.ledger.drill import drill
from commands.ledger.replay import replay
from commands.llm import announce, demo_llm, llm
from commands.models import models
from commands.options import before_a_command
from commands.predict import predict
from commands.service.jobs import jobs
from commands.service.reports import reports
from commands.service.safe_mode import safe_mode
from commands.shipped.build_default import build_default
from commands.shipped.build_volatility import build_volatility
from commands.storage import storage
from commands.train import train
from commands.usage import usage_words
from config.secrets.admin_token import with_admin_token
from config.settings import Settings
from config.sources import load_settings
from domain.errors import AppError, ConfigurationError
from domain.job_kinds import JobQueue
from services.jobs.service import JobService
from utils.libraries import lack_of

if TYPE_CHECKING:
    from utils.logging import Logs

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
    gc.disable()  # the server enables it: what is made until then stays, and was walked through again and again
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


@cli.command()
def worker(
    queues: Annotated[
        str, typer.Option(help="Take jobs from these alone, with commas between them.", show_default="all")
    ] = ",".join(JobQueue),
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Jobs at a time; by default jobs.max_running, and light ones beside them."),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Serve Prometheus metrics on this port of server.host.")
    ] = None,
) -> None:
    """Run jobs of the queues, with JOBS_BACKEND=celery, until it is stopped; another worker goes on with them then."""
    from prometheus_client import start_http_server

    from container import build_container, tracing_as_configured
    from tasks.celery_worker import default_concurrency, run_worker

    settings, logs = _beside_celery("a worker needs JOBS_BACKEND=celery: without it, the service runs jobs by itself")
    chosen = _named(queues)
    places = dict.fromkeys(("max_running", "max_running_in_service"), concurrency) if concurrency else {}
    jobs = settings.jobs.model_copy(update=places)

    @asynccontextmanager
    async def open_jobs() -> AsyncIterator[JobService]:
        chosen_places = settings.model_copy(update={"jobs": jobs})
        async with tracing_as_configured(settings), build_container(chosen_places, logs=logs) as container:
            yield container.work.jobs

    if metrics_port is not None:
        start_http_server(metrics_port, addr=settings.server.host)
    raise typer.Exit(run_worker(jobs, open_jobs, chosen, concurrency or default_concurrency(jobs, chosen)))


@cli.command()
def beat() -> None:
    """Queue what is due by the schedule, with JOBS_BACKEND=celery, until it is stopped; several queue it once."""
    from container import build_container, tracing_as_configured
    from utils.concurrency import until_stopped

    settings, logs = _beside_celery("beat needs JOBS_BACKEND=celery: without it, the service itself runs the schedule")

    async def run() -> None:
        async with tracing_as_configured(settings), build_container(settings, logs=logs, beat=True):
            logger.info("the schedule runs")
            await until_stopped()

    asyncio.run(run())


def _beside_celery(refusal: str) -> tuple[Settings, Logs]:
    """Return the settings of a process that only Celery needs, checked, and where it logs to."""
    from container import check_adapters
    from utils.logging import configure_logging

    settings = load_settings()
    if settings.jobs.backend != "celery":
        raise ConfigurationError(refusal)
    check_adapters(settings)
    return settings, configure_logging(settings.logging, settings.secret_values())


def _named(queues: str) -> tuple[JobQueue, ...]:
    """Return the queues of these names."""
    try:
        return tuple(dict.fromkeys(JobQueue(name.strip()) for name in queues.split(",")))
    except ValueError:
        raise typer.BadParameter(f"the queues are {', '.join(JobQueue)}", param_hint="--queues") from None


@cli.command("admin-token")
def admin_token() -> None:
    """Print the administrator's token, for local scripts; creates it if there is none yet."""
    token = with_admin_token(load_settings()).access.admin_token
    typer.echo(token.get_secret_value() if token else "")


cli.callback()(before_a_command)
models.command("list")(list_models)
models.command("build-default")(build_default)
models.command("attention")(attention)
models.command("importance")(importance)
models.command("card")(card)
models.command("figures")(figures)
models.command("build-volatility")(build_volatility)
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
    """Run the command line; an error of its arguments or an AppError is printed as one line, not as a traceback."""
    try:
        command = get_command(cli)
        explain(command)
        status = command.main(prog_name="cli.py", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        if words := usage_words(error):
            fail(words)
        raise SystemExit(2) from None
    except AppError as error:
        fail(error.message)
        raise SystemExit(2) from None
    except ModuleNotFoundError as error:
        if (message := lack_of(error, "this command")) is None:
            raise
        fail(message)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EPIPE}:
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - what is still to be written would fail again at the end
        if error.errno == errno.EPIPE:  # whoever read it has gone
            raise SystemExit(1) from None
        fail(f"no space is left for {error.filename or 'a file'}; free some on its disk and run this again")
        raise SystemExit(2) from None
    raise SystemExit(status if isinstance(status, int) else 0)


def _leave() -> NoReturn:
    """End the process after Ctrl-C at once: threads of TensorFlow would call an interpreter that is taken apart."""
    logger.remove()  # writes the lines that wait
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _leave()
        raise
