"""The hub: receivers and order of messages, and subscribers that do not read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from services.broadcast.hub import SignalHub
from services.broadcast.subscription import MAX_SYMBOLS, CloseReason, Subscription
from utils.metrics import WEBSOCKET_CONNECTIONS, WEBSOCKET_DROPPED

BOUND = 100


async def read(subscription: Subscription, count: int) -> list[str]:
    return [await anext(subscription) for _ in range(count)]


async def test_hub_renders_once_and_gives_the_same_text_to_all() -> None:
    hub = SignalHub(BOUND)
    subscriptions = [hub.subscribe() for _ in range(3)]
    rendered: list[str] = []

    def render() -> str:
        rendered.append("signal")
        return rendered[-1]

    assert hub.publish("BTCUSDT", render) == 3
    assert [await read(subscription, 1) for subscription in subscriptions] == [["signal"]] * 3
    assert rendered == ["signal"]


async def test_hub_renders_only_for_a_subscriber() -> None:
    hub = SignalHub(BOUND)
    hub.subscribe().add_symbols(["ETHUSDT"])
    assert hub.publish("BTCUSDT", lambda: pytest.fail("rendered")) == 0


async def test_subscription_has_all_symbols_until_the_first_it_names() -> None:
    subscription = SignalHub(BOUND).subscribe()
    assert subscription.wants("BTCUSDT")
    subscription.add_symbols(["ETHUSDT"])
    assert not subscription.wants("BTCUSDT")
    subscription.add_symbols(["BTCUSDT"])
    assert subscription.wants("BTCUSDT")
    subscription.remove_symbols(["ETHUSDT", "BTCUSDT"])
    assert not subscription.wants("BTCUSDT")
    assert not subscription.wants("ETHUSDT")


async def test_subscription_can_leave_a_symbol_out_of_all() -> None:
    subscription = SignalHub(BOUND).subscribe()
    subscription.remove_symbols(["BTCUSDT"])
    assert not subscription.wants("BTCUSDT")
    assert subscription.wants("ETHUSDT")


async def test_subscription_cannot_name_symbols_without_end() -> None:
    subscription = SignalHub(BOUND).subscribe()
    subscription.add_symbols(f"COIN{number}" for number in range(MAX_SYMBOLS))
    with pytest.raises(InvalidRequest):
        subscription.add_symbols(["ONEMORE"])
    assert subscription.wants("COIN0")
    assert not subscription.wants("ONEMORE")


async def test_hub_drops_only_the_subscriber_that_does_not_read() -> None:
    hub = SignalHub(BOUND)
    reader, sleeper = hub.subscribe(), hub.subscribe()
    dropped = WEBSOCKET_DROPPED._value.get()
    for number in range(BOUND // 10):
        assert hub.publish("BTCUSDT", partial(str, f"message{number:03}")) == 2
        assert await read(reader, 1) == [f"message{number:03}"]
    assert sleeper.buffered_bytes == BOUND
    assert hub.publish("BTCUSDT", lambda: "x") == 1
    assert sleeper.closed_reason is CloseReason.SLOW
    assert sleeper.buffered_bytes == 0
    assert WEBSOCKET_DROPPED._value.get() == dropped + 1
    await sleeper.wait_closed()
    with pytest.raises(StopAsyncIteration):
        await anext(sleeper)


async def test_hub_counts_bytes_not_characters() -> None:
    subscription = SignalHub(max_buffered_bytes=8).subscribe()
    assert not subscription.offer("€€€")
    assert subscription.closed_reason is CloseReason.SLOW


async def test_closing_the_hub_ends_present_and_later_subscriptions() -> None:
    hub = SignalHub(BOUND)
    connections = WEBSOCKET_CONNECTIONS._value.get()
    subscription = hub.subscribe()
    waiting = asyncio.ensure_future(anext(subscription, "end"))
    await asyncio.sleep(0)
    assert WEBSOCKET_CONNECTIONS._value.get() == connections + 1
    hub.close()
    assert await waiting == "end"
    assert hub.subscribe().closed_reason is subscription.closed_reason is CloseReason.SHUTDOWN
    assert WEBSOCKET_CONNECTIONS._value.get() == connections
    assert len(hub) == 0
    subscription.close(CloseReason.LEFT)
    assert subscription.closed_reason is CloseReason.SHUTDOWN


async def test_direct_delivery_never_overtakes_what_the_consumer_is_sending() -> None:
    hub = SignalHub(BOUND)
    subscription = hub.subscribe()
    sent: list[str] = []
    kernel_is_ready = False

    def send_now(text: str) -> bool:
        if kernel_is_ready:
            sent.append(text)
        return kernel_is_ready

    subscription.deliver_directly(send_now)
    hub.publish("BTCUSDT", lambda: "first")
    in_flight = await anext(subscription)
    kernel_is_ready = True
    hub.publish("BTCUSDT", lambda: "second")
    sent.append(in_flight)
    sent.append(await anext(subscription))
    waiting = asyncio.ensure_future(anext(subscription, "end"))
    await asyncio.sleep(0)
    hub.publish("BTCUSDT", lambda: "third")
    assert sent == ["first", "second", "third"]
    hub.close()
    assert await waiting == "end"


@dataclass
class Consumer:
    """A subscriber and the messages that it should have received; its kernel is ready on every `pace`-th message."""

    subscription: Subscription
    pace: int
    expected: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)

    def send_now(self, text: str) -> bool:
        ready = len(self.expected) % self.pace == 0
        if ready:
            self.received.append(text)
        return ready

    async def run(self) -> None:
        async for text in self.subscription:
            self.received.append(text)


SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(SYMBOLS), st.integers(1, 60)),
    st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from(SYMBOLS), st.integers(0, 2)),
    st.tuples(st.just("breathe"), st.none(), st.just(0)),
)


@given(st.lists(STEPS, max_size=60), st.lists(st.integers(1, 4), min_size=3, max_size=3))
def test_every_subscriber_receives_its_symbols_in_order_until_it_is_slow(
    steps: list[tuple[str, str, int]], paces: list[int]
) -> None:
    async def law() -> None:
        hub = SignalHub(BOUND)
        consumers = [Consumer(hub.subscribe(), pace) for pace in paces]
        for consumer in consumers[1:]:
            consumer.subscription.deliver_directly(consumer.send_now)
        tasks = [asyncio.ensure_future(consumer.run()) for consumer in consumers]
        for number, (step, symbol, size) in enumerate(steps):
            if step == "breathe":
                await asyncio.sleep(0)
            elif step == "publish":
                text = f"{number:02}".ljust(size, "x")
                wanting = [consumer for consumer in consumers if consumer.subscription.wants(symbol)]
                for consumer in wanting:
                    consumer.expected.append(text)
                queued = hub.publish(symbol, partial(str, text))
                assert queued == sum(consumer.subscription.closed_reason is None for consumer in wanting)
            elif step == "add":
                consumers[size].subscription.add_symbols([symbol])
            else:
                consumers[size].subscription.remove_symbols([symbol])
            assert all(consumer.subscription.buffered_bytes <= BOUND for consumer in consumers)
        for _ in range(len(steps) + 2):
            await asyncio.sleep(0)
        for consumer in consumers:
            reason = consumer.subscription.closed_reason
            assert reason in (None, CloseReason.SLOW)
            whole = len(consumer.expected) if reason is None else len(consumer.received)
            assert consumer.received == consumer.expected[:whole]
        hub.close()
        await asyncio.gather(*tasks)

    asyncio.run(law())


class Relayed:
    """A way to other replicas that records what is sent."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.open = is_open
        self.sent: list[tuple[str | None, str]] = []

    def send(self, symbol: str | None, text: str) -> None:
        self.sent.append((symbol, text))


def test_a_message_is_rendered_once_for_subscribers_here_and_other_replicas() -> None:
    hub, relay, rendered = SignalHub(BOUND), Relayed(), list[str]()

    def render() -> str:
        rendered.append("event")
        return "event"

    hub.relay_by(relay)
    assert hub.publish("BTCUSDT", render) == 0
    hub.subscribe()
    assert hub.publish("BTCUSDT", render) == 1
    assert hub.publish("BTCUSDT", render, everywhere=False) == 1
    assert len(rendered) == 3
    assert relay.sent == [("BTCUSDT", "event")] * 2


def test_without_subscribers_and_without_a_way_to_others_nothing_is_rendered() -> None:
    hub, relay = SignalHub(BOUND), Relayed(is_open=False)
    hub.relay_by(relay)
    assert hub.publish(None, lambda: pytest.fail("it is rendered")) == 0
    assert relay.sent == []


def test_what_another_replica_sends_is_delivered_here_and_not_sent_back() -> None:
    hub, relay = SignalHub(BOUND), Relayed()
    hub.relay_by(relay)
    chosen = hub.subscribe()
    chosen.add_symbols(["BTCUSDT"])
    assert (hub.deliver("ETHUSDT", "event"), hub.deliver("BTCUSDT", "event"), hub.deliver(None, "event")) == (0, 1, 1)
    assert relay.sent == []


def test_the_newest_message_of_each_symbol_waits_for_those_who_come_later() -> None:
    hub = SignalHub(BOUND)
    rendered: list[str] = []

    def first() -> str:
        rendered.append("once")
        return "BTC 2"

    hub.publish("BTCUSDT", lambda: pytest.fail("a newer one has come"))
    hub.publish("BTCUSDT", first)
    hub.publish(None, lambda: "of no symbol")
    hub.deliver("ETHUSDT", "ETH of another replica")
    assert hub.newest() == ["BTC 2", "ETH of another replica"]
    assert hub.newest() == ["BTC 2", "ETH of another replica"]
    assert rendered == ["once"]


def test_the_newest_messages_have_a_bound() -> None:
    hub = SignalHub(BOUND)
    for number in range(MAX_SYMBOLS + 5):
        hub.deliver(f"S{number}", str(number))
    assert len(hub.newest()) == MAX_SYMBOLS
    assert hub.newest()[0] == "5"
