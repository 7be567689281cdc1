"""Failures of MongoDB: refused documents and outages with their causes; no message names a host."""

from __future__ import annotations

import pytest
from bson.errors import InvalidBSON, InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from domain.errors import StorageUnavailable, Unstorable
from storage.mongo.faults import Failure, failure

SECRET = "db.internal:27017 hunter2"  # noqa: S105 - stands for what the driver writes into its messages


def bulk(*codes: int, concern: bool = False) -> BulkWriteError:
    writes = [{"index": n, "code": code, "errmsg": SECRET} for n, code in enumerate(codes)]
    return BulkWriteError(
        {"writeErrors": writes, "writeConcernErrors": [{"code": 64, "errmsg": SECRET}] if concern else []}
    )


@pytest.mark.parametrize(
    "error",
    [
        WriteError(SECRET, 121),
        DuplicateKeyError(SECRET, 11000),
        bulk(121, 2),
        OperationFailure(SECRET, 10334),
        DocumentTooLarge(SECRET),
        InvalidDocument(SECRET),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, SECRET),
        OverflowError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_refused_content_is_no_outage(error: Failure) -> None:
    refusal = failure("put", error)
    assert isinstance(refusal, Unstorable)
    assert "hunter2" not in refusal.message


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (WriteError(SECRET, 14031), "the disk of the MongoDB server is full (WriteError 14031 at put)"),
        (bulk(121, 14031), "the disk of the MongoDB server is full (BulkWriteError 14031 at put)"),
        (bulk(121, concern=True), "the MongoDB servers have not confirmed the write (BulkWriteError 64 at put)"),
        (
            WriteConcernError(SECRET, 64),
            "the MongoDB servers have not confirmed the write (WriteConcernError 64 at put)",
        ),
        (WTimeoutError(SECRET), "the MongoDB servers have not confirmed the write (WTimeoutError at put)"),
        (OperationFailure(SECRET, 262), "the MongoDB server took too long (OperationFailure 262 at put)"),
        (NetworkTimeout(SECRET), "the MongoDB server took too long (NetworkTimeout at put)"),
        (OperationFailure(SECRET, 18), "the MongoDB server refuses the login (OperationFailure 18 at put)"),
        (OperationFailure(SECRET, 2), "the MongoDB server failed (OperationFailure 2 at put)"),
        (AutoReconnect(SECRET), "the connection to the MongoDB server broke (AutoReconnect at put)"),
        (ConfigurationError(SECRET), "the URL of the MongoDB server leads nowhere (ConfigurationError at put)"),
        (InvalidOperation(SECRET), "the mongodb store is not open (InvalidOperation at put)"),
        (InvalidBSON(SECRET), "a stored document is damaged (InvalidBSON at put)"),
        (
            ServerSelectionTimeoutError(SECRET),
            "no MongoDB server answers, or none takes writes (ServerSelectionTimeoutError at put)",
        ),
        *(
            (
                NotPrimaryError(SECRET, {"code": code}),
                "the MongoDB server takes no writes now: it is stopping, or another one is the primary "
                "(NotPrimaryError at put)",
            )
            for code in (91, 189, 10107, 11600, 13435)
        ),
        (
            OperationFailure(SECRET, 11600),
            "the MongoDB server takes no writes now: it is stopping, or another one is the primary "
            "(OperationFailure 11600 at put)",
        ),
    ],
)
def test_outage_is_named_by_its_cause(error: Failure, cause: str) -> None:
    outage = failure("put", error)
    assert isinstance(outage, StorageUnavailable)
    assert outage.message == cause
