"""Several replicas in one process, on a real Redis: events, hints, turns, budgets, limits, and the loss of Redis."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from limits import parse
from redis.asyncio import Redis

from api.guard.shared_windows import SharedWindows
from config.server_settings import RedisSettings
from demo.behaviors import error
from demo.openai_server import FakeOpenAI
from domain.errors import LlmUnavailable
from servers.redis_server import RedisServer
from services.broadcast.hub import SignalHub
from services.llm.calling.client import LlmClient
from services.llm.cost_ledger import CostLedger
from services.llm.journal import Journal
from services.llm.prompt import make_prompt
from services.llm.replies import schema_of
from services.llm.sharing import PeriodBudget
from services.replicas import bus
from services.replicas.hints import Hint
from services.replicas.link import RedisLost
from services.replicas.opening import Replicas, open_replicas
from services.replicas.shared_llm import SharedLlm
from services.reviews.trade_reply import TradeReply
from storage.resilience.documents import ResilientDocuments
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.llm_clients import KEYS, llm_settings
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.real_servers import running
from tests.fixtures.settings import configured
from tests.fixtures.stores import PACE

pytest_plugins = ["tests.fixtures.redis_server", "tests.fixtures.logs", "tests.fixtures.openai_server"]
pytestmark = pytest.mark.realserver

BOUND = 1_000_000


class Replica:
    """The parts of one replica that are shared."""

    def __init__(self, hub: SignalHub, replicas: Replicas) -> None:
        assert replicas.link is not None
        assert isinstance(replicas.llm, SharedLlm)
        self.hub, self.hints, self.link, self.llm = hub, replicas.hints, replicas.link, replicas.llm
        self.problems = replicas.degraded

    async def whole(self) -> None:
        """Return when Redis is there."""
        await eventually(lambda: self.link.available)

    async def lost(self) -> None:
        """Return when Redis is known to be lost."""
        await eventually(lambda: not self.link.available)


@asynccontextmanager
async def replicas(url: str, count: int = 2, timeout_ms: int = 10_000) -> AsyncIterator[list[Replica]]:
    """Give replicas; by default no stall of a shared machine counts as a Redis that does not answer."""
    settings = configured(RedisSettings, url=url, prefix=url.rsplit("/", 1)[1] or "0", timeout_ms=timeout_ms)
    async with AsyncExitStack() as stack:
        hubs = [SignalHub(BOUND) for _ in range(count)]
        made = [Replica(hub, await stack.enter_async_context(open_replicas(settings, hub))) for hub in hubs]
        for replica in made:
            await replica.whole()
        yield made


async def heard(subscription: Any) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return str(await anext(subscription))


async def test_an_event_reaches_the_sockets_of_each_replica_once_and_in_order(redis_url: str) -> None:
    async with replicas(redis_url, 3) as (first, second, third):
        rendered = []

        def render(text: str) -> str:
            rendered.append(text)
            return text

        listening = [replica.hub.subscribe() for replica in (first, second, third)]
        first.hub.publish("BTCUSDT", lambda: render("one"))
        second.hub.publish(None, lambda: render("two\nin lines"))
        first.hub.publish("BTCUSDT", lambda: render("three"))
        for subscription in listening:
            assert {await heard(subscription) for _ in range(3)} == {"one", "two\nin lines", "three"}
        assert rendered == ["one", "two\nin lines", "three"]
        # Had one come twice, it would come before these.
        for number in range(2):
            third.hub.publish(None, partial("last {}".format, number))
        for subscription in listening:
            assert [await heard(subscription) for _ in range(2)] == ["last 0", "last 1"]


async def test_a_replica_without_sockets_publishes_and_symbols_are_chosen_where_the_socket_is(redis_url: str) -> None:
    async with replicas(redis_url) as (publishing, serving):
        chosen = serving.hub.subscribe()
        chosen.add_symbols(["ETHUSDT"])
        assert publishing.hub.publish("BTCUSDT", lambda: "of Bitcoin") == 0
        assert publishing.hub.publish("ETHUSDT", lambda: "of Ether") == 0
        assert await heard(chosen) == "of Ether"
        assert chosen.buffered_bytes == len("of Ether")


async def test_what_each_replica_says_by_itself_is_not_relayed(redis_url: str) -> None:
    async with replicas(redis_url) as (first, second):
        other = second.hub.subscribe()
        first.hub.publish(None, lambda: "of this replica", everywhere=False)
        first.hub.publish(None, lambda: "of all")
        assert await heard(other) == "of all"


async def test_deployments_of_one_redis_do_not_hear_each_other(redis_server: RedisServer, redis_url: str) -> None:
    async with replicas(redis_url, 1) as (one,), replicas(redis_server.fresh_url(), 2) as (other, third):
        subscriptions = [one.hub.subscribe(), third.hub.subscribe()]
        other.hub.publish(None, lambda: "to its own")
        assert await heard(subscriptions[1]) == "to its own"
        one.hub.publish(None, lambda: "to itself")
        assert await heard(subscriptions[0]) == "to itself"


async def test_a_hint_reaches_the_others_and_not_its_own_replica(redis_url: str) -> None:
    async with replicas(redis_url, 3) as made:
        told: list[tuple[int, str]] = []

        def hear(number: int, key: str) -> None:
            told.append((number, key))

        for number, replica in enumerate(made):
            replica.hints.when(Hint.GIVEN_SIDE, partial(hear, number))
        made[0].hints.tell(Hint.GIVEN_SIDE, "BTCUSDT 1h")
        made[1].hints.tell(Hint.GIVEN_SIDE, "ETHUSDT 1h")
        await eventually(lambda: len(told) == 4)
        assert set(told) == {(1, "BTCUSDT 1h"), (2, "BTCUSDT 1h"), (0, "ETHUSDT 1h"), (2, "ETHUSDT 1h")}


@pytest.mark.parametrize("way", ["killed", "frozen"])
async def test_a_lost_redis_is_said_once_and_all_is_whole_again_when_it_is_back(
    tmp_path: Any, log_facts: list[str], way: str
) -> None:

    with running(RedisServer(tmp_path / "redis")) as server:
        # One that is frozen counts as lost after twice as long.
        async with replicas(server.url, timeout_ms=1_000) as (first, second):
            looks: list[str] = []
            second.hints.when(Hint.MODELS, looks.append)
            own, other = first.hub.subscribe(), second.hub.subscribe()
            assert list(first.problems()) == []
            if way == "killed":
                server.kill()
            else:
                server.send(signal.SIGSTOP)
            await first.lost()
            await second.lost()
            (problem,) = first.problems()
            assert problem.part == "redis"
            assert "goes on alone" in problem.reason
            assert urlsplit(server.url).netloc not in problem.reason
            first.hub.publish(None, lambda: "while it is lost")
            with pytest.raises(RedisLost):
                await first.link.run("return 1", [], [])
            assert await first.llm.turn("key", 60) == 0
            assert await second.llm.turn("key", 60) == 0
            if way == "killed":
                server.start()
            else:
                server.send(signal.SIGCONT)
            await first.whole()
            await second.whole()
            assert list(first.problems()) == []
            first.hub.publish(None, lambda: "when it is back")
            assert [await heard(own), await heard(own)] == ["while it is lost", "when it is back"]
            assert await heard(other) == "when it is back"
            # Hints that it may have missed.
            assert looks == [""]
    lost = [line for line in log_facts if "Redis is lost: this replica goes on alone" in line]
    back = [line for line in log_facts if "Redis is back" in line]
    assert (len(lost), len(back)) == (2, 2)


async def test_publishing_does_not_wait_for_a_redis_that_hangs_and_keeps_a_bound(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(bus, "MAX_WAITING", 10_000)
    with running(RedisServer(tmp_path / "redis")) as server:
        async with replicas(server.url, 1) as (replica,):
            relay = replica.hub._relay
            assert isinstance(relay, bus.ReplicaBus)
            server.send(signal.SIGSTOP)
            for number in range(1_000):  # without a pause in which anything could be sent
                replica.hub.publish(None, partial("event {:0100}".format, number))
            assert sum(map(len, relay._waiting)) <= 10_000
            server.send(signal.SIGCONT)


def budget(spent: int, stop: int | None) -> list[PeriodBudget]:
    return [PeriodBudget("2022-05-01", spent, stop, 60), PeriodBudget("2022-05", spent, None, 60)]


async def test_a_key_is_used_within_its_spacing_by_one_replica(redis_url: str) -> None:
    async with replicas(redis_url, 3) as made:
        turns = await asyncio.gather(*(replica.llm.turn("key", 60) for replica in made))
        assert turns.count(0) == 1
        assert all(59 < left <= 60 for left in turns if left)
        assert await made[0].llm.turn("another key", 60) == 0
        left, other, free = await made[1].llm.turns(["key", "another key", "a third"])
        assert 0 < left <= 60
        assert 0 < other <= 60
        assert free == 0


async def test_no_key_is_written_to_redis(redis_server: RedisServer, redis_url: str) -> None:
    async with replicas(redis_url, 1) as (replica,), Redis.from_url(redis_url, decode_responses=True) as client:
        await replica.llm.turn(f"https://api.openai.com {KEYS[0]}", 60)
        (name,) = await client.keys("*")
        assert KEYS[0] not in name
        assert KEYS[0] not in str(await client.get(name))


async def test_calls_under_way_at_all_replicas_keep_the_budget(redis_url: str) -> None:
    async with replicas(redis_url, 3) as made:
        accounts = budget(spent=70, stop=100)
        refusals = await asyncio.gather(*(made[at % 3].llm.reserve(accounts, 10) for at in range(12)))
        assert refusals.count(None) == 3
        assert set(refusals) == {None, "2022-05-01"}
        # One of them cost 4 only.
        await made[0].llm.settle(accounts, -6)
        assert await made[1].llm.reserve(accounts, 7) == "2022-05-01"
        assert await made[1].llm.reserve(accounts, 6) is None


async def test_a_budget_whose_counter_was_lost_begins_at_the_books(redis_url: str) -> None:
    async with replicas(redis_url, 1) as (replica,), Redis.from_url(redis_url) as client:
        assert await replica.llm.reserve(budget(0, 100), 10) is None
        await client.flushdb()
        await replica.llm.settle(budget(0, 100), -10)  # of a counter that is gone
        assert await replica.llm.reserve(budget(95, 100), 10) == "2022-05-01"
        assert await replica.llm.reserve(budget(80, 100), 10) is None


async def test_a_question_is_asked_by_one_replica_and_the_others_wait(redis_url: str) -> None:
    async with replicas(redis_url, 3) as made:
        asking, most, asked = 0, 0, []

        async def ask(replica: Replica) -> None:
            nonlocal asking, most
            async with replica.llm.asking("question", PATIENCE_SECONDS) as waited:
                asking += 1
                most = max(most, asking)
                await asyncio.sleep(0)
                asking -= 1
                asked.append(waited)

        await asyncio.gather(*map(ask, made))
        assert most == 1
        assert asked == [False, True, True]


async def test_a_question_that_is_not_answered_in_time_is_given_up(redis_url: str) -> None:
    async with replicas(redis_url) as (first, second), first.llm.asking("question", PATIENCE_SECONDS):
        with pytest.raises(TimeoutError):
            async with second.llm.asking("question", 0.05):
                pytest.fail("two replicas ask the same")


async def test_a_limit_holds_for_all_replicas_together(redis_url: str) -> None:
    async with replicas(redis_url) as made:
        windows = [SharedWindows(replica.link) for replica in made]
        limit = parse("10/minute")
        waits = [await windows[at % 2].hit(limit, "203.0.113.9", "/ai/analyze") for at in range(14)]
        assert waits[:10] == [0] * 10
        assert all(1 <= seconds <= 60 for seconds in waits[10:])
        assert await windows[0].hit(limit, "203.0.113.8", "/ai/analyze") == 0
        assert await windows[0].hit(limit, "203.0.113.9", "/ai/predict") == 0


async def test_of_a_wide_limit_shares_are_taken_and_all_of_it_is_given(redis_url: str) -> None:
    async with replicas(redis_url) as made:
        windows, limit = [SharedWindows(replica.link) for replica in made], parse("600/minute")
        # A burst of concurrent requests takes no more than it needs.
        burst = await asyncio.gather(*(windows[0].hit(limit, "10.0.0.1", "/ai/analyze") for _ in range(299)))
        waits = [await windows[1].hit(limit, "10.0.0.1", "/ai/analyze") for _ in range(310)]
        assert (burst.count(0), waits.count(0)) == (299, 300)


@asynccontextmanager
async def journals(
    made: list[Replica], fake_openai: FakeOpenAI, folder: Path
) -> AsyncIterator[list[tuple[Journal, CostLedger]]]:
    """Give a journal and the books of each replica, on one store."""
    settings, clock = llm_settings(fake_openai.url, spacing_seconds=0), SettableClock()
    async with AsyncExitStack() as stack:
        given = []
        for replica in made:
            documents = ResilientDocuments(SqliteDocumentStore(folder / "store.db"), pace=PACE)
            await documents.open()
            stack.push_async_callback(documents.close)
            ledger = CostLedger(settings, clock, replica.llm)
            ledger.store_in(documents)
            client = LlmClient(
                settings,
                book=ledger.book,
                allow=lambda _: None,
                reserve=ledger.reserve,
                clock=clock,
                sharing=replica.llm,
            )
            stack.push_async_callback(client.close)
            given.append((Journal(client, ledger, documents, settings, clock, replica.llm), ledger))
        yield given


PROMPT = make_prompt(
    Path("services/reviews/trade_v2.txt").resolve(), {"entry_price": 100.0}, {}, schema_of(TradeReply, "trade_review")
)


async def test_of_equal_questions_at_two_replicas_one_is_paid_for(
    redis_url: str, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with replicas(redis_url) as made, journals(made, fake_openai, tmp_path) as given:
        answers = await asyncio.gather(
            *(journal.ask(PROMPT, TradeReply, purpose="trade", symbol="BTCUSDT") for journal, _ in given)
        )
        assert answers[0].reply == answers[1].reply
        assert sorted(answer.cost_nano_usd == 0 for answer in answers) == [False, True]
        assert len(fake_openai.asked) == 1
        assert sum(ledger.total.calls for _, ledger in given) == 1


async def test_those_who_wait_for_a_question_that_fails_are_told_and_do_not_ask_again(
    redis_url: str, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    fake_openai.always = error(400, "bad_request")
    async with replicas(redis_url) as made, journals(made, fake_openai, tmp_path) as given:
        failures = await asyncio.gather(
            *(journal.ask(PROMPT, TradeReply, purpose="trade", symbol="BTCUSDT") for journal, _ in given),
            return_exceptions=True,
        )
        reasons = sorted(failure.reason for failure in failures if isinstance(failure, LlmUnavailable))
        assert reasons == ["asked_elsewhere", "bad_request"]


async def test_the_first_event_after_a_restart_of_redis_is_not_lost(tmp_path: Path) -> None:
    with running(RedisServer(tmp_path / "redis")) as redis:
        async with replicas(redis.url) as (publishing, listening):
            subscription = listening.hub.subscribe()
            publishing.hub.publish(None, lambda: "before")
            assert await heard(subscription) == "before"
            redis.kill()
            for replica in (publishing, listening):
                await replica.lost()
            await asyncio.to_thread(redis.start)
            for replica in (publishing, listening):
                await replica.whole()
            publishing.hub.publish(None, lambda: "after")
            assert await heard(subscription) == "after"
