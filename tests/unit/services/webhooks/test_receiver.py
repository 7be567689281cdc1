"""When a receiver's deliveries are tried again, and when they are given up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from loguru import logger

from config.report_settings import WebhookSettings
from config.settings import StorageSettings
from services.webhooks.delivery import DeliveryState, WebhookDelivery
from services.webhooks.outbox import WebhookOutbox
from services.webhooks.receiver import WebhookReceiver
from services.webhooks.sending import SendFailure
from storage.document_ports import WEBHOOK_DELIVERIES
from storage.factory import open_documents
from tests.fixtures.clocks import SettableClock
from tests.fixtures.settings import configured

URL = "https://signals.example/hook"
SETTINGS = configured(
    WebhookSettings,
    urls=[URL],
    secret="s",  # noqa: S106
    max_attempts=4,
    retry_seconds=5,
    max_retry_seconds=60,
    claim_seconds=30,
)
Said = SendFailure | None
REFUSED = SendFailure("answered with status 400", unreachable=False)
DOWN = SendFailure("cannot be reached", unreachable=True)
BUSY = SendFailure("answered with status 503", unreachable=True, rest_seconds=45)


async def deliveries_of(
    signals: int, say: Callable[[int, str], Said]
) -> tuple[list[tuple[float, str]], dict[str, WebhookDelivery]]:
    """Return the attempts, as the second they were made at and the body, and what is kept at the end by body."""
    clock, attempts = SettableClock(), list[tuple[float, str]]()
    started = clock.monotonic()

    async def send(body: bytes, delivery_id: str) -> Said:
        attempts.append((clock.monotonic() - started, body.decode()))
        return say(len(attempts), body.decode())

    with tempfile.TemporaryDirectory() as folder:
        stored = configured(StorageSettings, url=f"sqlite:///{folder}/store.db", spool_path=f"{folder}/spool")
        async with open_documents(stored) as documents:
            outbox = WebhookOutbox(documents, SETTINGS, clock)
            receiver = WebhookReceiver(1, URL, send, outbox, SETTINGS, clock, clock.monotonic)
            new = [outbox.new(receiver.receiver_id, receiver.origin, "BTCUSDT", str(one)) for one in range(signals)]
            await outbox.keep(new)
            for delivery in new:
                receiver.add(delivery)
            while (seconds := await receiver.deliver_due()) is not None:
                clock.advance(seconds)
            kept = await documents.newest(WEBHOOK_DELIVERIES, 100)
    found = [WebhookDelivery.of(document) for document in kept]
    return attempts, {delivery.body: delivery for delivery in found}


async def test_the_pause_doubles_and_after_the_last_attempt_the_signal_is_a_dead_letter() -> None:
    attempts, kept = await deliveries_of(1, lambda *_: REFUSED)
    assert [second for second, _ in attempts] == [0, 5, 15, 35]
    assert (kept["0"].state, kept["0"].attempts, kept["0"].last_error) == (DeliveryState.DEAD, 4, REFUSED.reason)


async def test_a_signal_that_is_refused_holds_no_other_back() -> None:
    attempts, kept = await deliveries_of(3, lambda _, body: REFUSED if body == "0" else None)
    assert attempts[:3] == [(0, "0"), (0, "1"), (0, "2")]
    assert list(kept) == ["0"]


async def test_a_receiver_that_is_down_rests_as_a_whole_and_gets_all_once_it_is_up() -> None:
    attempts, kept = await deliveries_of(3, lambda number, _: DOWN if number <= 2 else None)
    # The first fails, then the next one after the rest of 5 s; after another 10 s everything is delivered.
    assert [second for second, _ in attempts] == [0, 5, 15, 15, 15]
    assert {body for _, body in attempts[2:]} == {"0", "1", "2"}
    assert kept == {}


async def test_a_receiver_that_fails_now_and_then_does_not_fill_the_log() -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(line.record["message"]), level="INFO")
    try:
        attempts, _ = await deliveries_of(20, lambda number, _: REFUSED if number % 2 else None)
    finally:
        logger.remove(sink)
    assert len(attempts) > 20
    assert lines.count("receiver of webhooks failed") == 1
    assert lines.count("receiver of webhooks works again") == 1


async def test_a_receiver_rests_as_long_as_it_asks_for() -> None:
    attempts, kept = await deliveries_of(2, lambda number, _: BUSY if number == 1 else None)
    assert [second for second, _ in attempts] == [0, 45, 45]
    assert kept == {}


@settings(max_examples=20)
@given(st.lists(st.sampled_from([None, REFUSED, DOWN, BUSY]), max_size=16), st.integers(1, 4))
def test_whatever_a_receiver_says_each_signal_is_delivered_once_or_is_a_dead_letter(
    script: Sequence[Said], signals: int
) -> None:
    said = [*script, *[None] * 20]
    attempts, kept = asyncio.run(deliveries_of(signals, lambda number, _: said[number - 1]))
    delivered = [body for number, (_, body) in enumerate(attempts) if said[number] is None]
    assert len(delivered) == len(set(delivered))
    assert {*delivered} | {*kept} == {str(number) for number in range(signals)}
    assert not {*delivered} & {*kept}
    for delivery in kept.values():
        assert delivery.state is DeliveryState.DEAD
        assert sum(body == delivery.body for _, body in attempts) == SETTINGS.max_attempts
