"""Documents by key: jobs, LLM calls, feedback, and reviews that the trading engine reads in the database.

Every adapter passes the suite in `tests/contracts/test_document_store.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from storage.ledger_ports import LEDGER_COLLECTIONS
from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION

# JSON-like: text, whole numbers of 64 bits, finite floats, booleans, None, lists and mappings of them, and aware
# datetimes, which come back in UTC and in whole milliseconds. Money is a whole number of nano-dollars (`_nano_usd`):
# prices per million tokens have up to three decimals, so nothing is rounded, and databases add it up exactly.
Document = dict[str, Any]
Where = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Collection:
    """A collection, or table, of documents.

    Attributes:
        name: As the database has it.
        key_field: The field that holds a document's key.
        filters: Top-level fields that `where` and `by` may name; each has an index. One type of value per field.
        groups: More text fields that `by` may name; they have no index.
        newest_stays: Whether a document never replaces one of a later `created_at`. A switch that waited in the spool
            of one replica comes to the store after the one that an operator made at another since.
    """

    name: str
    key_field: str
    filters: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    newest_stays: bool = False


_SIGNAL_GROUPS = ("source", "predicted_signal", "actual_outcome")
JOBS = Collection("jobs", "job_id", ("status", "kind", "fence"))
# Parameters of the functions of jobs, candles included.
JOB_ORDERS = Collection("job_orders", "job_id")
# Requests to end jobs, for the workers that run them.
JOB_CANCELLATIONS = Collection("job_cancellations", "job_id")
LLM_CALLS = Collection("llm_calls", "call_id", ("day", "model", "symbol"), ("purpose", "run"))
LLM_REPLIES = Collection("llm_replies", "reply_id", ("purpose", "symbol"))
FEEDBACK = Collection("signal_feedback", "signal_id", ("symbol", "trusted"), _SIGNAL_GROUPS)
# Outcomes that clients reported while the archive could not be read.
FEEDBACK_TO_COUNT = Collection("feedback_to_count", "feedback_id")
# Trades that wait for their review: the engine reads reviews only.
TRADES_TO_REVIEW = Collection("trades_to_review", "trade_id")
# The trading engine reads these two by their BSON `created_at`.
TRADE_ANALYSES = Collection("trade_analyses", "trade_id", ("symbol", "trusted"))
CONFIG_SUGGESTIONS = Collection("config_suggestions", "task_id", ("status",))
SELF_ANALYSES = Collection("gpt4_analysis_history", "analysis_id")
# What the guards of an answer remember.
GIVEN_SIDES = Collection("given_sides", "market")
SAFE_MODE = Collection("safe_mode", "switch", newest_stays=True)
# Lanes and strategies that were disabled, or enabled again.
DISABLED = Collection("disabled_parts", "name", newest_stays=True)
# Rows of the schedule, and the newest time of each for which a job was queued.
SCHEDULE = Collection("schedule", "name")
# Work that one replica does at a time (`services/leases.py`).
LEASES = Collection("leases", "name", ("serial",))
# Settlements that the candles of today would settle otherwise, and the days that were looked at.
LEDGER_REVISIONS = Collection("ledger_revisions", "revision_id", ("symbol",))
LEDGER_REVIEWED_DAYS = Collection("ledger_reviewed_days", "day")
# How far the replays of a day are from what was said in it.
LEDGER_PARITY = Collection("ledger_parity", "day")
# Bands of prices that were given out, and whether the close was within.
PRICE_BANDS = Collection("price_bands", "band_id", ("state",), ("timeframe", "horizon", "coverage", "stretch"))
# Forecasts of other horizons than the next candle, and whether the close was higher.
FOLLOWED_FORECASTS = Collection("followed_forecasts", "forecast_id", ("model", "state"))
# Identities of lanes by id.
LEDGER_LANES = Collection("ledger_lanes", "lane_id", ("lane",))
# Records of evidence that were fitted again from the ledger, and the decisions on them.
EVIDENCE_REFITS = Collection("evidence_refits", "refit_id", ("base", "state"))
REPORTS = Collection("reports", "report_id", ("kind",))
NOTICES = Collection("notices", "notice_id", ("key", "state"))
# Signals on their way to receivers of webhooks, and those that were given up.
WEBHOOK_DELIVERIES = Collection("webhook_deliveries", "delivery_id", ("state", "owner", "claim"))
# How far the market of each model in production is from that of its training; symbol and timeframe are the key.
MODEL_DRIFT = Collection("model_drift", "scope")
COLLECTIONS = (
    JOBS,
    JOB_ORDERS,
    JOB_CANCELLATIONS,
    LLM_CALLS,
    LLM_REPLIES,
    FEEDBACK,
    FEEDBACK_TO_COUNT,
    TRADES_TO_REVIEW,
    TRADE_ANALYSES,
    CONFIG_SUGGESTIONS,
    SELF_ANALYSES,
    GIVEN_SIDES,
    SAFE_MODE,
    DISABLED,
    SCHEDULE,
    LEASES,
    LEDGER_REVISIONS,
    LEDGER_REVIEWED_DAYS,
    LEDGER_PARITY,
    PRICE_BANDS,
    FOLLOWED_FORECASTS,
    LEDGER_LANES,
    EVIDENCE_REFITS,
    REPORTS,
    NOTICES,
    WEBHOOK_DELIVERIES,
    MODEL_DRIFT,
)

# Every collection that this service writes, in alphabetical order.
_OF_ANALYSES = (ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION)
COLLECTION_NAMES = tuple(sorted([*_OF_ANALYSES, *LEDGER_COLLECTIONS, *(collection.name for collection in COLLECTIONS)]))


@dataclass(frozen=True)
class Total:
    """Count and sums of the documents of one group.

    Attributes:
        group: The values of the fields in `by`, in its order; None for a field that the documents lack.
        count: Documents of the group.
        sums: By field.
    """

    group: tuple[str | None, ...]
    count: int
    sums: Mapping[str, int]


class DocumentWrite(NamedTuple):
    """A document to keep under its key; with `once` an earlier document of the key stays."""

    key: str
    document: Document
    once: bool


class DocumentStore(Protocol):
    """Keeps documents by key; each has `created_at`, an aware UTC time, by which it is found, summed and removed.

    Every method raises `StorageUnavailable` when the store fails, those that write `Unstorable` when it refuses the
    content of a document, and all ValueError for a document, a collection or a field against the rules of this module.
    """

    async def put(self, collection: Collection, key: str, document: Document) -> None:
        """Keep the document under its key, in place of an earlier one; see `Collection.newest_stays`."""

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        """Keep the document unless the key has one already; return whether it was kept."""

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        """Keep the document in place of the one of its key, if that has these values; return whether it had them.

        Of several callers that name the same values, one succeeds.
        """

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        """Keep each as `put` does, or as `insert` where `once` is set, with as few round trips as possible.

        No key may stand twice among them. After `StorageUnavailable` and `Unstorable` any of them may be kept or
        not; keep them again.
        """

    async def discard(self, collection: Collection, keys: Sequence[str]) -> None:
        """Remove the documents of these keys; a key may have none."""

    async def get(self, collection: Collection, key: str) -> Document | None:
        """Return the document of the key, its key field included."""

    async def newest(self, collection: Collection, limit: int, where: Where | None = None) -> list[Document]:
        """Return at most `limit` (1 or more) documents with these values, newest first, the later kept before."""

    async def totals(
        self,
        collection: Collection,
        since: datetime,
        sums: Sequence[str] = (),
        *,
        by: Sequence[str] = (),
        where: Where | None = None,
    ) -> list[Total]:
        """Count the documents created at or after `since`, and add up fields of whole numbers.

        Args:
            collection: Where to look.
            since: Aware time.
            sums: Top-level fields; a document without one adds nothing.
            by: Text fields to group by; none puts all documents into one group.
            where: Values that the documents must have.

        Returns:
            One total per group, by group in ascending order; none where there is no document.
        """

    async def remove(self, collection: Collection, older_than: datetime) -> int:
        """Remove the documents created before `older_than` and return how many there were."""


class LastingDocuments(DocumentStore, Protocol):
    """A document store that keeps documents through outages, and through the end of the process.

    Where the store does not take a document soon, a local file does. `put`, `keep_new` and `put_many` return when one
    of the two has it, and raise `StorageUnavailable` where neither takes it. Reads wait up to a second for earlier
    writes.
    """

    async def keep_new(self, key: str, documents: Mapping[Collection, Document]) -> None:
        """Keep documents of one new key in several collections, in this order, in the time of one of them.

        A document that the key has already stays: after a crash the spool may bring them again, when what was made of
        them since is stored. After `Unstorable` those are kept that were not refused.
        """

    def put_later(self, collection: Collection, key: str, document: Document, *, once: bool = False) -> None:
        """Take a document and return; it is kept soon. With `once` an earlier document of the key stays."""

    def discard_later(self, collection: Collection, key: str) -> None:
        """Remove the document of the key, soon."""

    async def settle(self) -> None:
        """Return when everything that was taken outlives this process.

        Raises:
            StorageUnavailable: neither the store nor the file takes it; it waits in memory.
        """

    async def flush(self) -> bool:
        """Return whether no earlier document is under way, once the store has them or fails, or after a second."""

    def first(self, work: Callable[[DocumentStore], Awaitable[None]]) -> None:
        """Run work on the store after the writes of earlier processes and before new ones.

        It is done again as long as it raises `StorageUnavailable`.
        """
