"""Keys leave the service only in the Authorization header, also after errors."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator

import pytest
from loguru import logger
from prometheus_client import generate_latest

from config.server_settings import LoggingSettings
from demo import behaviors
from demo.behaviors import Behavior, drip, error, rate_limited, raw, with_header
from demo.openai_server import FakeOpenAI
from domain.errors import LlmUnavailable
from tests.fixtures.llm_clients import KEYS, REQUEST, MakeAsking
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.settings import configured
from utils.logging import configure_logging

pytest_plugins = ["tests.fixtures.openai_server"]

LIBRARIES = ("openai", "httpx2", "httpcore2", "asyncio")
BEHAVIORS: list[Behavior] = [
    behaviors.normal,
    behaviors.refusal,
    behaviors.unauthorized,
    behaviors.forbidden,
    behaviors.quota,
    rate_limited(retry_after="5"),
    behaviors.server_error,
    error(400, "bad"),
    error(404, "model_not_found"),
    error(400, None, param="response_format"),
    behaviors.cut,
    behaviors.hang,
    drip(0.02, cut_after=2),
]
# An endpoint that puts the key where codes and ids stand, or answers with nothing else.
HOSTILE: list[Behavior] = [
    error(400, KEYS[0]),
    error(429, "insufficient_quota", headers={"x-request-id": KEYS[0]}),
    with_header("x-request-id", f"req-{KEYS[0]}"),
    raw(KEYS[0].encode()),
]


def parts(key: str) -> set[str]:
    """Return the beginning of a key and every four characters of what is random in it."""
    beginning, _, random = key.rpartition("-")
    return {beginning, *(random[start : start + 4] for start in range(len(random) - 3))}


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Return a function that returns all log output."""
    # Without the masks of utils/logging: nothing may depend on them.
    logs = configure_logging(configured(LoggingSettings, level="DEBUG"))

    def read() -> str:
        assert all(writer.drained(10) for writer in logs.writers)
        return capfd.readouterr().err

    yield read
    logger.remove()


@pytest.fixture
def libraries_log_too() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    levels = [library.level for library in loggers]
    for library in loggers:
        library.setLevel(logging.DEBUG)
    yield
    for library, level in zip(loggers, levels, strict=True):
        library.setLevel(level)


async def written(fake_openai: FakeOpenAI, make_asking: MakeAsking, behaviors: list[Behavior]) -> str:
    """Return everything except log output that a service could show after calls with these behaviors."""
    texts: list[str] = []
    for behavior in behaviors:
        fake_openai.always = behavior
        asking = make_asking(call_timeout_seconds=0.3)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                texts.append(repr(await asking.client.complete(REQUEST)))
        except LlmUnavailable as unavailable:
            logger.exception("the LLM is out")
            texts += [unavailable.message, unavailable.reason]
            texts += traceback.TracebackException.from_exception(unavailable, capture_locals=True).format()
        texts += [repr(asking.client.key_states()), repr(asking.booked), repr(vars(asking.client))]
    assert {asked.key for asked in fake_openai.asked} >= {KEYS[0]}
    return "\n".join([*texts, generate_latest().decode()])


def found_in(text: str) -> set[str]:
    return {part for key in KEYS for part in parts(key) if part in text}


@pytest.mark.usefixtures("libraries_log_too")
async def test_no_part_of_a_key_is_written_anywhere(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, logged: Callable[[], str]
) -> None:
    shown = await written(fake_openai, make_asking, BEHAVIORS)
    lines = logged()
    assert "LLM call failed" in lines
    assert "HTTP Request" in lines  # the libraries did write
    assert found_in(shown + lines) == set()


async def test_an_endpoint_cannot_make_the_service_repeat_a_key(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, logged: Callable[[], str]
) -> None:
    shown = await written(fake_openai, make_asking, HOSTILE)
    lines = logged()
    assert "LLM call failed" in lines
    assert found_in(shown + lines) == set()
