"""Failures of MongoDB: refused content or an outage, with the cause in words."""

from __future__ import annotations

from typing import Any

from bson.errors import BSONError, InvalidBSON
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
)

from domain.errors import AppError, StorageUnavailable, Unstorable

Failure = PyMongoError | BSONError | UnicodeError | OverflowError
FAILURES = (PyMongoError, BSONError, UnicodeError, OverflowError)

DUPLICATE_KEY = 11000
_WRITE_CONCERN_FAILED = 64
# With these the server refuses one document for its content, depth or size, and would refuse it again.
_UNSTORABLE = {
    2: "BadValue",
    9: "FailedToParse",
    14: "TypeMismatch",
    15: "Overflow",
    22: "InvalidBSON",
    28: "PathNotViable",
    52: "DollarPrefixedFieldName",
    53: "InvalidIdField",
    55: "InvalidDBRef",
    56: "EmptyFieldName",
    57: "DottedFieldName",
    66: "ImmutableField",
    121: "DocumentValidationFailure",
    10334: "BSONObjectTooLarge",
    DUPLICATE_KEY: "DuplicateKey",
    17280: "KeyTooLong",
    17419: "DocumentTooLargeAfterUpdate",
    17420: "DocumentTooLarge",
}
_TOO_LARGE = {10334, 17419, 17420}
_NO_WRITES = "the MongoDB server takes no writes now: it is stopping, or another one is the primary"
_TOO_SLOW = "the MongoDB server took too long"
_UNCONFIRMED = "the MongoDB servers have not confirmed the write"
_CAUSES = {
    13: "the MongoDB server does not allow this to the service's user",
    18: "the MongoDB server refuses the login",
    50: _TOO_SLOW,
    _WRITE_CONCERN_FAILED: _UNCONFIRMED,
    91: _NO_WRITES,
    100: _UNCONFIRMED,
    189: _NO_WRITES,
    262: _TOO_SLOW,
    10058: _NO_WRITES,
    10107: _NO_WRITES,
    11600: _NO_WRITES,
    11602: _NO_WRITES,
    13435: _NO_WRITES,
    13436: _NO_WRITES,
    14031: "the disk of the MongoDB server is full",
}


def failure(operation: str, error: Failure) -> AppError:
    """Return the error to raise in place of the driver's, whose message names hosts.

    Args:
        operation: What was being done, as metrics name it.
        error: From the driver, from the server, or for a value that BSON cannot hold.

    Returns:
        `Unstorable` where the same document would be refused again, else `StorageUnavailable`.
    """
    code = _write_code(error) if isinstance(error, BulkWriteError) else getattr(error, "code", None)
    if isinstance(error, InvalidBSON):  # raised by reading
        return StorageUnavailable(f"a stored document is damaged (InvalidBSON at {operation})")
    if not isinstance(error, PyMongoError) or _is_of_the_document(error, code):
        reason = _UNSTORABLE.get(code or 0, type(error).__name__)
        return Unstorable(f"mongodb refuses what it was given at {operation} ({reason})")
    shown = f"{type(error).__name__}{f' {code}' if code else ''}"
    return StorageUnavailable(f"{_cause(error, code)} ({shown} at {operation})")


def refused_writes(error: BulkWriteError) -> list[dict[str, Any]]:
    """Return what the server reported for each document of a group that it did not write."""
    found: list[dict[str, Any]] = error.details.get("writeErrors", []) if error.details else []
    return found


def _write_code(error: BulkWriteError) -> int | None:
    """Return the code that decides for the whole group: that of an outage, if there is one."""
    if error.details and error.details.get("writeConcernErrors"):
        return _WRITE_CONCERN_FAILED
    codes = [int(entry["code"]) for entry in refused_writes(error)]
    return next((code for code in codes if code not in _UNSTORABLE), codes[0] if codes else None)


def _is_of_the_document(error: PyMongoError, code: int | None) -> bool:
    # A command may fail with one of these codes for a setting: only a refused write, or a size, concerns a document.
    return code in _TOO_LARGE or (isinstance(error, WriteError | BulkWriteError) and code in _UNSTORABLE)


def _cause(error: PyMongoError, code: int | None) -> str:
    if code in _CAUSES:
        return _CAUSES[code]
    match error:
        case ServerSelectionTimeoutError():
            return "no MongoDB server answers, or none takes writes"
        case NetworkTimeout():
            return _TOO_SLOW
        case NotPrimaryError():
            return _NO_WRITES
        case AutoReconnect() | ConnectionFailure():
            return "the connection to the MongoDB server broke"
        case WriteConcernError():
            return _UNCONFIRMED
        case InvalidOperation():
            return "the mongodb store is not open"
        case ConfigurationError():
            return "the URL of the MongoDB server leads nowhere"
        case OperationFailure():
            return "the MongoDB server failed"
    return "mongodb failed"
