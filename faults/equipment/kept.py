"""What a database and a spool hold, read without the service."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from typing import Any

from pymongo import MongoClient

from faults.scenario import require
from storage.document_ports import TRADE_ANALYSES, TRADES_TO_REVIEW
from storage.ports import ARCHIVE_COLLECTION

ARCHIVE, REVIEWED, WAITING = ARCHIVE_COLLECTION, TRADE_ANALYSES.name, TRADES_TO_REVIEW.name


def kept(url: str) -> set[str]:
    """Return the ids of all analyses and trades in a database, those that wait for their review too."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            query = (
                f"SELECT analysis_id FROM {ARCHIVE} UNION SELECT key FROM {REVIEWED} UNION SELECT key FROM {WAITING}"
            )
            return {row[0] for row in file.execute(query)}
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        return {
            str(document[field])
            # A trade goes from waiting to reviewed, so the one is read before the other.
            for name, field in ((ARCHIVE, "analysis_id"), (WAITING, "trade_id"), (REVIEWED, "trade_id"))
            for document in database[name].find({}, {field: True})
        }


def count(url: str, name: str) -> int:
    """Return how many documents a collection of MongoDB holds."""
    with MongoClient[dict[str, Any]](url) as client:
        return client.get_default_database()[name].count_documents({})


def none_lost(acknowledged: Collection[str], url: str, patience_seconds: float = 0.0) -> str:
    """Return `0 of` what was acknowledged, once the database has all of it.

    Raises:
        Failed: the database lacks some of it after so long.
    """
    end = time.monotonic() + patience_seconds
    while (missing := set(acknowledged) - kept(url)) and time.monotonic() < end:
        time.sleep(0.2)
    require(not missing, f"{len(missing):,} of {len(acknowledged):,} acknowledged answers are not in the store")
    return f"0 of {len(acknowledged):,}"
