"""Writes analyses and candles to MongoDB, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, ServerSelectionTimeoutError

from domain.candles.columns import CandleLike
from domain.errors import Unstorable
from domain.market import Timeframe
from storage.mongo.connection import Document, MongoConnection
from storage.mongo.faults import DUPLICATE_KEY, FAILURES, failure, refused_writes
from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION, AnalysisWrite
from storage.write_groups import MAX_CLOCK_SKEW_MS, CandlesByTime, merged_candles

Request = InsertOne[Document] | ReplaceOne[Document] | UpdateOne

SEQUENCES = "sequences"
# The server takes 0.1 s for these; all of a large group in one command would meet the time-out.
CANDLES_AT_ONCE = 2_000

_PRICE_FIELDS = ("open", "high", "low", "close", "volume")
CANDLE_FIELDS = {"_id": 0, "open_time": 1} | dict.fromkeys(_PRICE_FIELDS, 1)
Prices = tuple[float, float, float, float, float]


async def bulk_write(collection: AsyncIOMotorCollection[Document], requests: Sequence[Request]) -> int:
    """Make the writes in any order; an insertion whose key is there already changes nothing and does not fail.

    Returns:
        Number of documents that were inserted.

    Raises:
        BulkWriteError: other writes were refused; the rest is written.
    """
    try:
        written = await collection.bulk_write(list(requests), ordered=False)
    except BulkWriteError as error:
        refused = [
            entry
            for entry in refused_writes(error)
            if entry["code"] != DUPLICATE_KEY or not isinstance(requests[entry["index"]], InsertOne)
        ]
        if refused or (error.details or {}).get("writeConcernErrors"):
            raise BulkWriteError({**(error.details or {}), "writeErrors": refused}) from error
        return int((error.details or {}).get("nInserted", 0))
    return written.inserted_count


class MongoWrites:
    """Saves groups of analyses, each kind of document in one bulk write, and all kinds at the same time.

    Archive and candles are acknowledged once they are in the server's journal. The cache is not: analyses that a crash
    of the server takes from it are made again.
    """

    def __init__(self, connection: MongoConnection) -> None:
        """Use the connection of the store."""
        self._connection = connection

    async def save(self, writes: Sequence[AnalysisWrite], now: datetime) -> None:
        """Save the analyses and their candles, and drop cached ones that a clock which ran ahead has dated.

        Raises:
            PyMongoError, BSONError, UnicodeError, OverflowError: as the driver does, after all writes have ended.
        """
        if not writes:
            return
        documents = [(write, _document(write, now)) for write in writes if write.cache_key is not None]
        kinds: list[Awaitable[object]] = [self._drop_misdated(now)]
        if documents:
            kinds.append(self._save_cached([document for _, document in documents]))
        if archived := [
            # As `_id` too, so that a write that is made twice keeps one in a database that has lost its indexes.
            document | dict.fromkeys(("_id", "analysis_id"), write.analysis.analysis_id)
            for write, document in documents
            if write.archive
        ]:
            kinds.append(self._save_archived(archived))
        if candles := merged_candles(writes):
            kinds.append(self.save_candles(candles))
        ended = await asyncio.gather(*kinds, return_exceptions=True)
        failed = [result for result in ended if isinstance(result, BaseException)]
        if failed:
            raise min(failed, key=_rank)

    async def _save_cached(self, documents: Sequence[Document]) -> None:
        requests = [ReplaceOne(_identity(document), document, upsert=True) for document in documents]
        await bulk_write(self._connection.database[ANALYSIS_COLLECTION], requests)

    async def _drop_misdated(self, now: datetime) -> None:
        ahead = {"created_at": {"$gt": now + timedelta(milliseconds=MAX_CLOCK_SKEW_MS)}}
        await self._connection.database[ANALYSIS_COLLECTION].delete_many(ahead)

    async def _save_archived(self, documents: Sequence[Document]) -> None:
        """Insert them with numbers that ascend in the order of saving, over all replicas of the service."""
        numbers = await self._connection.database[SEQUENCES].find_one_and_update(
            {"_id": ARCHIVE_COLLECTION},
            {"$inc": {"newest": len(documents)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        first = numbers["newest"] - len(documents) + 1
        numbered = (document | {"sequence": first + position} for position, document in enumerate(documents))
        await bulk_write(self._connection.journaled(ARCHIVE_COLLECTION), [InsertOne(document) for document in numbered])

    async def save_candles(self, candles: dict[tuple[str, Timeframe], CandlesByTime]) -> int:
        """Insert the candles that are new and replace those that differ: reading the others costs a fifth of writing.

        Of a candle that two replicas insert at the same moment the first stays.

        Returns:
            Number of candles that were inserted.

        Raises:
            PyMongoError, BSONError, OverflowError: as the driver does.
        """
        found = await asyncio.gather(*(self._stored(*series, wanted) for series, wanted in candles.items()))
        requests = [
            _replacement(*series, candle) if time in stored else _insertion(*series, candle)
            for (series, wanted), stored in zip(candles.items(), found, strict=True)
            for time, candle in wanted.items()
            if stored.get(time) != _prices(candle)
        ]
        collection = self._connection.journaled(CANDLE_COLLECTION)
        inserted = 0
        for start in range(0, len(requests), CANDLES_AT_ONCE):
            inserted += await bulk_write(collection, requests[start : start + CANDLES_AT_ONCE])
        return inserted

    async def _stored(self, symbol: str, timeframe: Timeframe, wanted: CandlesByTime) -> dict[int, Prices]:
        span = {"$gte": min(wanted), "$lte": max(wanted)}
        cursor = self._connection.database[CANDLE_COLLECTION].find(
            {"symbol": symbol, "timeframe": timeframe.value, "open_time": span}, CANDLE_FIELDS, batch_size=10_000
        )
        rows = await cursor.to_list(None)
        return {row["open_time"]: _stored_prices(row) for row in rows}


def _rank(error: BaseException) -> int:
    """Order the failures of a group: an outage with its cause, one that only follows from it, then documents.

    After an outage the whole group is written again, and then a wrong document shows.
    """
    if isinstance(error, FAILURES) and isinstance(failure("save_analyses", error), Unstorable):
        return 2
    return int(isinstance(error, ServerSelectionTimeoutError))


def _document(write: AnalysisWrite, now: datetime) -> Document:
    return {
        "symbol": write.analysis.symbol,
        "cache_key": write.cache_key,
        "timestamp": write.analysis.generated_at,
        "analysis": write.analysis.model_dump(mode="json"),
        "created_at": now,
    }


def _identity(document: Document) -> Document:
    return {
        "cache_key": document["cache_key"],
        "timestamp": document["timestamp"],
        "analysis.analysis_id": document["analysis"]["analysis_id"],
    }


def _prices(candle: CandleLike) -> Prices:
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def _stored_prices(row: Document) -> Prices:
    return row["open"], row["high"], row["low"], row["close"], row["volume"]


def _insertion(symbol: str, timeframe: Timeframe, candle: CandleLike) -> InsertOne[Document]:
    prices = dict(zip(_PRICE_FIELDS, _prices(candle), strict=True))
    return InsertOne({"symbol": symbol, "timeframe": timeframe.value, "open_time": candle.timestamp, **prices})


def _replacement(symbol: str, timeframe: Timeframe, candle: CandleLike) -> UpdateOne:
    identity = {"symbol": symbol, "timeframe": timeframe.value, "open_time": candle.timestamp}
    return UpdateOne(identity, {"$set": dict(zip(_PRICE_FIELDS, _prices(candle), strict=True))}, upsert=True)
