"""The network sources over real HTTP when the other side misbehaves."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.market_data.fetching import MAX_ANSWER_BYTES, SourceFailed
from tests.fixtures.candle_apis import ENGINE, Api, both, http_client, read
from tests.fixtures.http_stand_in import Answer, StandIn

pytest_plugins = ["tests.fixtures.remote_server"]


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as client:
        yield client


async def failure_of(api: Api, client: httpx2.AsyncClient, url: str) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught:
        await read(api, client, url)
    # The addresses of our sources are not revealed.
    assert "127.0.0.1" not in caught.value.message
    return caught.value


@both
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("close", "NaN"),
        ("close", "a lot"),
        ("close", ""),
        ("close", True),
        ("close", "Infinity"),
        ("close", 0),
        ("close", -5.0),
        ("close", 1e300),
        ("close", 5000.0),
        ("high", 1.0),
        ("volume", 1e300),
        ("volume", "lots"),
        ("open_time", -1),
        ("open_time", 1.5),
        ("open_time", "yesterday"),
        ("open_time", 1_700_000_000_123),
        ("open_time", 10**40),
    ],
)
async def test_one_impossible_value_makes_the_answer_nonsense(
    api: Api, column: str, value: object, server: StandIn, client: httpx2.AsyncClient
) -> None:
    rows = api.rows()
    rows[40][api.keys[column]] = value
    server.always(api.answer(rows))
    failure = await failure_of(api, client, server.url)
    assert failure.message.startswith("answered nonsense: ")
    assert failure.rest_seconds == 0


@both
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html><body>Bad gateway</body></html>",
        b"null",
        b"[[1763733600000,NaN,1,1,1,1]]",
        b'{"success":true,"data":[{"open_time":1763733600000,"open":NaN}]}',
        b"\xff\xfe\x00",
        b'{"data":[]}',
        b"[[1763733600000]]",
        b'[[1,"1","1","1","1","1",' + b"[" * 100_000,
        b'{"success":true,"x":' + b"[" * 100_000,
    ],
    ids=[
        "empty",
        "cut",
        "html",
        "null",
        "nan in array",
        "nan in object",
        "bytes",
        "no flag",
        "short",
        "deep",
        "deeper",
    ],
)
async def test_a_body_that_is_no_answer_is_nonsense(
    api: Api, body: bytes, server: StandIn, client: httpx2.AsyncClient
) -> None:
    server.always(Answer(body, headers={"content-type": "application/json"}))
    assert (await failure_of(api, client, server.url)).message.startswith("answered nonsense: ")


@both
@pytest.mark.parametrize("status", [301, 401, 403, 500, 502, 503])
async def test_a_bad_status_is_named(api: Api, status: int, server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(Answer(b"<html>internals</html>", status, {"location": "http://elsewhere.invalid/"}))
    failure = await failure_of(api, client, server.url)
    assert (failure.message, failure.rest_seconds) == (f"answered with status {status}", 0)


@both
@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize(
    ("retry_after", "rest_seconds"),
    [
        ("17", 17),
        ("0", 0),
        (None, 60),
        ("soon", 60),
        ("-5", 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60),
        ("9" * 40, 3 * 86_400),
    ],
)
async def test_a_rate_limit_says_how_long_to_rest(
    api: Api, status: int, retry_after: str | None, rest_seconds: float, server: StandIn, client: httpx2.AsyncClient
) -> None:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    server.always(Answer(b"{}", status, headers))
    assert (await failure_of(api, client, server.url)).rest_seconds == rest_seconds


@both
async def test_an_answer_without_end_is_not_read_to_its_end(
    api: Api, server: StandIn, client: httpx2.AsyncClient
) -> None:
    server.always(Answer(b"[" + b" " * (4 * MAX_ANSWER_BYTES) + b"]"))
    assert "more than" in (await failure_of(api, client, server.url)).message


@both
async def test_a_connection_refused_brings_a_rest(api: Api, client: httpx2.AsyncClient) -> None:
    with socket.socket() as bound:  # bound and not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        failure = await failure_of(api, client, f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert (failure.message, failure.rest_seconds) == ("cannot be reached", 30)


@both
async def test_a_server_that_hangs_brings_a_rest(api: Api, server: StandIn) -> None:
    server.always(Answer(hang=True))
    async with http_client(timeout=0.1) as impatient:
        failure = await failure_of(api, impatient, server.url)
    assert (failure.message, failure.rest_seconds) == ("did not answer in time", 30)


@both
async def test_an_address_that_is_none_is_a_failure(api: Api, client: httpx2.AsyncClient) -> None:
    assert (await failure_of(api, client, "http://:::")).message == "has an address that is no URL"


@pytest.mark.parametrize("flag", ["yes", 1, None])
async def test_a_success_that_is_no_boolean_is_nonsense(
    flag: object, server: StandIn, client: httpx2.AsyncClient
) -> None:
    server.always(Answer.of({"success": flag, "data": ENGINE.rows()}))
    assert "nonsense" in (await failure_of(ENGINE, client, server.url)).message
