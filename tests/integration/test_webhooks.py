"""Webhooks: signed, at least once, each receiver by itself, over real sockets and a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from loguru import logger
from trading_signal_client import verify_signature

from config.report_settings import WebhookSettings
from config.settings import StorageSettings
from domain.errors import Conflict, NotFound
from servers.process import free_port
from services.webhooks.delivery import DeliveryState, WebhookDelivery
from services.webhooks.outbox import WebhookOutbox
from services.webhooks.webhooks import Webhooks, open_webhooks
from storage.document_ports import WEBHOOK_DELIVERIES
from storage.factory import open_documents
from storage.resilience.documents import ResilientDocuments
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.clocks import SettableClock
from tests.fixtures.http_stand_in import Answer, StandIn, http_stand_in
from tests.fixtures.patience import eventually
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.mongod"]

SECRET = "secret-of-the-tests"  # noqa: S105
EVENT = '{"type":"AISignalReceived","data":{"symbol":"BTCUSDT","reasoning":"µ"}}'


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with http_stand_in() as stand_in:
        stand_in.always(Answer(status=204))
        yield stand_in


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[ResilientDocuments]:
    settings = configured(StorageSettings, url=f"sqlite:///{tmp_path}/store.db", spool_path=f"{tmp_path}/spool")
    async with open_documents(settings) as opened:
        yield opened


def webhook_settings(*urls: str, **changes: object) -> WebhookSettings:
    quick = {"retry_seconds": 0.02, "max_retry_seconds": 0.1, "claim_seconds": 30}
    return configured(WebhookSettings, urls=urls, secret=SECRET, **quick | changes)


@asynccontextmanager
async def webhooks(
    documents: ResilientDocuments, *urls: str, clock: SettableClock | None = None, **changes: object
) -> AsyncIterator[Webhooks]:
    async with open_webhooks(webhook_settings(*urls, **changes), documents, clock or SettableClock()) as opened:
        yield opened


async def stored(documents: ResilientDocuments, state: DeliveryState) -> list[WebhookDelivery]:
    found = await documents.newest(WEBHOOK_DELIVERIES, 100, {"state": state.value})
    return [WebhookDelivery.of(document) for document in found]


async def test_a_signal_is_posted_with_the_signature_of_its_raw_body_and_then_forgotten(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    async with webhooks(documents, f"{receiver.url}/signals") as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await eventually(lambda: opened.waiting == 0)
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/signals", EVENT.encode())
    signature = request.headers["X-Signature"]
    assert verify_signature(SECRET, request.body, signature)
    assert not verify_signature(SECRET, request.body + b" ", signature)
    assert not verify_signature("another", request.body, signature)
    assert not verify_signature(SECRET, request.body, None)
    assert len(request.headers["X-Delivery"]) == 32
    assert await stored(documents, DeliveryState.WAITING) == []


async def test_the_id_stays_the_same_until_the_receiver_has_taken_it(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.answer = lambda _: Answer(status=500 if len(receiver.requests) < 3 else 200)
    async with webhooks(documents, receiver.url) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await eventually(lambda: len(receiver.requests) == 3)
        await eventually(lambda: opened.waiting == 0)
        assert list(opened.degraded()) == []
    assert len({request.headers["X-Delivery"] for request in receiver.requests}) == 1
    assert await stored(documents, DeliveryState.WAITING) == []


async def test_signals_of_the_named_symbols_alone_are_posted(documents: ResilientDocuments, receiver: StandIn) -> None:
    async with webhooks(documents, receiver.url, symbols=["ETHUSDT"]) as opened:
        await opened.publish("BTCUSDT", lambda: pytest.fail("rendered"))
        await opened.publish("ETHUSDT", lambda: EVENT)
        await eventually(lambda: len(receiver.requests) == 1)


async def test_a_receiver_that_does_not_answer_delays_neither_another_nor_the_publisher(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    with http_stand_in() as silent:
        silent.always(Answer(hang=True))
        async with webhooks(documents, silent.url, receiver.url) as opened:
            for number in range(5):
                # Mypy does not infer a default of a lambda.
                await opened.publish("BTCUSDT", lambda number=number: json.dumps(number))  # type: ignore[misc]
            await eventually(lambda: len(receiver.requests) == 5)
            assert [request.body for request in receiver.requests] == [b"0", b"1", b"2", b"3", b"4"]
            await eventually(lambda: opened.waiting == 5)
            assert len(silent.requests) == 1
        assert len(await stored(documents, DeliveryState.WAITING)) == 5


async def test_an_answer_of_a_status_alone_whose_body_does_not_come_is_a_delivery(
    documents: ResilientDocuments,
) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        await reader.read()  # until the sender hangs up
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    async with server, webhooks(documents, f"http://{host}:{port}", timeout_seconds=0.5) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await eventually(lambda: opened.waiting == 0)
    assert await stored(documents, DeliveryState.DEAD) == []


async def test_a_redirection_is_no_delivery_and_is_not_followed(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.always(Answer(status=307, headers={"location": f"{receiver.url}/elsewhere"}))
    async with webhooks(documents, receiver.url, max_attempts=2) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await eventually(lambda: len(receiver.requests) == 2)
        await _until_dead(documents)
    assert {request.path for request in receiver.requests} == {"/"}


async def test_what_is_given_up_is_listed_and_tried_again_on_order_under_its_id(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.always(Answer(status=400))
    async with webhooks(documents, receiver.url, max_attempts=3) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await _until_dead(documents)
        (letter,) = await opened.dead_letters(10)
        assert (letter.attempts, letter.last_error, letter.body) == (3, "answered with status 400", EVENT)
        assert [found.part for found in opened.degraded()] == ["webhook.1", "webhook.1.dead_letters"]

        receiver.always(Answer(status=200))
        await opened.retry(letter.delivery_id)
        await eventually(lambda: len(receiver.requests) == 4)
        await eventually(lambda: opened.waiting == 0)
        assert list(opened.degraded()) == []
        with pytest.raises(NotFound, match="no dead letter has the id"):
            await opened.retry(letter.delivery_id)
    assert len({request.headers["X-Delivery"] for request in receiver.requests}) == 1


async def test_a_dead_letter_of_a_receiver_that_is_gone_cannot_be_tried_again(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.always(Answer(status=400))
    async with webhooks(documents, receiver.url, max_attempts=1) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await _until_dead(documents)
    async with webhooks(documents, f"{receiver.url}/moved") as opened:
        (letter,) = await opened.dead_letters(10)
        with pytest.raises(Conflict, match=r"webhooks\.urls has no receiver"):
            await opened.retry(letter.delivery_id)


async def test_signals_beyond_the_bound_are_dead_letters_at_once(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.always(Answer(hang=True))
    async with webhooks(documents, receiver.url, max_waiting=2) as opened:
        for _ in range(5):
            await opened.publish("BTCUSDT", lambda: EVENT)
        assert len(await stored(documents, DeliveryState.DEAD)) == 3
        assert len(await stored(documents, DeliveryState.WAITING)) == 2


async def test_signals_that_are_too_old_are_given_up_without_an_attempt(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    clock, url = SettableClock(), f"http://127.0.0.1:{free_port()}"
    async with webhooks(documents, url, clock=clock) as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
        await eventually(lambda: any(opened.degraded()))
    (before,) = await stored(documents, DeliveryState.WAITING)
    clock.advance(25 * 3600)
    async with webhooks(documents, url, clock=clock):
        await _until_dead(documents)
    (letter,) = await stored(documents, DeliveryState.DEAD)
    assert (letter.last_error, letter.attempts) == ("older than 24 hours", before.attempts)


async def test_what_waited_for_a_receiver_that_is_not_configured_any_more_is_a_dead_letter(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    async with webhooks(documents, f"http://127.0.0.1:{free_port()}") as opened:
        await opened.publish("BTCUSDT", lambda: EVENT)
    async with webhooks(documents, receiver.url):
        await _until_dead(documents)
    (letter,) = await stored(documents, DeliveryState.DEAD)
    assert letter.last_error == "its receiver is not configured any more"
    assert receiver.requests == []


async def test_what_waits_at_the_end_is_delivered_by_the_next_process_at_once(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    clock = SettableClock()
    receiver.always(Answer(hang=True))
    async with webhooks(documents, receiver.url, clock=clock) as opened:
        for _ in range(3):
            await opened.publish("BTCUSDT", lambda: EVENT)
    receiver.always(Answer(status=200))
    receiver.requests.clear()
    async with webhooks(documents, receiver.url, clock=clock) as opened:
        await eventually(lambda: len(receiver.requests) == 3)
        await eventually(lambda: opened.waiting == 0)
    assert await stored(documents, DeliveryState.WAITING) == []


async def test_a_replica_takes_over_what_a_dead_one_left_once_its_claim_has_expired_and_only_one_does(
    documents: ResilientDocuments,
) -> None:
    await check_that_one_of_two_takes_over(documents)


@pytest.mark.realserver
async def test_of_two_replicas_on_mongodb_one_takes_over(mongo_url: str) -> None:
    async with open_documents(configured(StorageSettings, url=mongo_url, spool_path="")) as documents:
        await check_that_one_of_two_takes_over(documents)


async def check_that_one_of_two_takes_over(documents: ResilientDocuments) -> None:
    clock = SettableClock()
    settings = webhook_settings("https://example.org")
    dead, first, second = (WebhookOutbox(documents, settings, clock) for _ in range(3))
    kept = [dead.new("receiver", "https://example.org", "BTCUSDT", EVENT) for _ in range(20)]
    await dead.keep(kept)
    assert await first.take_over([]) == []
    clock.advance(settings.claim_seconds + settings.timeout_seconds + 1)
    taken = await asyncio.gather(first.take_over([]), second.take_over([]))
    ids = [delivery.delivery_id for of_one in taken for delivery in of_one]
    assert sorted(ids) == sorted(delivery.delivery_id for delivery in kept)
    # The one that was only slow finds that it has them no more.
    assert not dead.holds(kept[0])
    assert [await dead.renew(delivery) for delivery in kept] == [False] * 20


async def test_what_a_process_let_go_while_it_was_on_its_way_to_the_store_is_taken_up_by_itself(
    documents: ResilientDocuments,
) -> None:
    clock = SettableClock()
    outbox = WebhookOutbox(documents, webhook_settings("https://example.org"), clock)
    held, lost = (outbox.new("receiver", "https://example.org", "BTCUSDT", EVENT) for _ in range(2))
    await outbox.keep([held, lost])
    assert await outbox.take_over([held.delivery_id]) == []
    clock.advance(3_600)
    (found,) = await outbox.take_over([held.delivery_id])
    assert found.delivery_id == lost.delivery_id
    assert await outbox.take_over([held.delivery_id, lost.delivery_id]) == []


async def test_a_claim_that_was_kept_though_its_keeping_seemed_to_fail_is_found_again(
    documents: ResilientDocuments,
) -> None:
    outbox = WebhookOutbox(documents, webhook_settings("https://example.org"), SettableClock())
    delivery = outbox.new("receiver", "https://example.org", "BTCUSDT", EVENT)
    await outbox.keep([delivery])
    seen = delivery.claim
    assert await outbox.renew(delivery)
    delivery.claim = seen
    assert await outbox.renew(delivery)
    outbox.delivered(delivery)
    assert not await outbox.renew(delivery)


async def test_neither_the_log_nor_health_nor_a_dead_letter_has_the_address_or_the_secret(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    receiver.always(Answer(status=400))
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE", serialize=True)
    try:
        async with webhooks(documents, f"{receiver.url}/token-in-a-path", max_attempts=1) as opened:
            await opened.publish("BTCUSDT", lambda: EVENT)
            await _until_dead(documents)
            shown = repr([list(opened.degraded()), await opened.dead_letters(10)])
    finally:
        logger.remove(sink)
    assert lines
    assert "webhook.1" in shown
    for secret in ("token-in-a-path", SECRET):
        assert secret not in shown + "".join(lines)


def test_what_trusted_callers_are_answered_is_posted_cached_answers_too_and_what_strangers_are_is_not(
    make_client: MakeClient, receiver: StandIn
) -> None:
    own = make_client(webhooks={"urls": [receiver.url], "secret": SECRET})
    first, again = (own.post("/ai/analyze", json=shape_a()).json() for _ in range(2))
    assert again["cached"]
    stranger = make_client(STRANGER, webhooks={"urls": [receiver.url], "secret": SECRET})
    assert stranger.post("/ai/analyze", json=shape_a(symbol="ETHUSDT")).status_code == 200
    asyncio.run(eventually(lambda: len(receiver.requests) == 2))
    events = [json.loads(request.body) for request in receiver.requests]
    assert [event["data"]["analysis_id"] for event in events] == [first["analysis_id"]] * 2
    assert len({request.headers["X-Delivery"] for request in receiver.requests}) == 2


async def _until_dead(documents: ResilientDocuments) -> None:
    async with asyncio.timeout(60):
        while not await stored(documents, DeliveryState.DEAD):
            await asyncio.sleep(0.005)
