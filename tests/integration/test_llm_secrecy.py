"""No part of a key leaves the service but in its Authorization header, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator

import pytest
from loguru import logger
from prometheus_client import generate_latest

from config.settings import LoggingSettings
from demo import behaviors
from demo.behaviors import Behavior, drip, error, rate_limited, raw
from demo.openai_server import FakeOpenAI
from domain.errors import LlmUnavailable
from tests.fixtures.llm_clients import KEYS, REQUEST, MakeAsking
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
    # a hostile endpoint that puts the key where codes stand
    error(400, KEYS[0]),
    error(429, "insufficient_quota", headers={"x-request-id": KEYS[0]}),
    raw(KEYS[0].encode()),
    behaviors.cut,
    behaviors.hang,
    drip(0.02, cut_after=2),
]


def parts(key: str) -> set[str]:
    """Return the beginning of a key and every four characters of what is random in it."""
    beginning, _, random = key.rpartition("-")
    return {beginning, *(random[start : start + 4] for start in range(len(random) - 3))}


@pytest.fixture
def everything_is_logged() -> Iterator[None]:
    # Without the masks of utils/logging: nothing may depend on them.
    configure_logging(LoggingSettings(level="DEBUG"))
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
    yield
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)
    logger.remove()


@pytest.mark.usefixtures("everything_is_logged")
async def test_no_part_of_a_key_is_written_anywhere(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []
    for behavior in BEHAVIORS:
        fake_openai.always = behavior
        asking = make_asking(call_timeout_seconds=0.3)
        try:
            async with asyncio.timeout(20):
                written.append(repr(await asking.client.complete(REQUEST)))
        except LlmUnavailable as unavailable:
            logger.exception("the LLM is out")
            written += [unavailable.message, unavailable.reason]
            written += traceback.TracebackException.from_exception(unavailable, capture_locals=True).format()
        written += [repr(asking.client.key_states()), repr(asking.booked), repr(vars(asking.client))]
    written.append(generate_latest().decode())
    logged = capsys.readouterr().err
    assert "LLM call failed" in logged
    assert "HTTP Request" in logged  # the libraries did write
    assert {asked.key for asked in fake_openai.asked} == set(KEYS)
    text = logged + "\n".join(written)
    found = {part for key in KEYS for part in parts(key) if part in text}
    # `raw` made one reply out of a key: the only text that may hold it is that reply, which is malformed and dropped
    assert found == set()
