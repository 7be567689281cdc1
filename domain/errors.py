"""Errors that the service raises on purpose.

Each carries a message written for a person: what was wrong and what is needed. The
HTTP status of each class stands in one table, in `api/errors.py`.
"""


class AppError(Exception):
    """Base of every error the service raises on purpose; `field` is the part of a request at fault, if it is one."""

    code = "internal_error"
    # The same work may succeed a minute later.
    transient = False

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class ConfigurationError(AppError):
    """A setting is unknown, of the wrong type or impossible; the service does not start."""

    code = "configuration_error"


class InvalidMarketData(AppError):
    """Candles that no market could have produced, or that are out of order."""

    code = "invalid_market_data"


class InsufficientData(InvalidMarketData):
    """Fewer candles than an analysis needs."""

    code = "insufficient_data"


class SeveralSeries(InvalidMarketData):
    """A table holds several markets or timeframes, and it was not said which one is meant.

    Attributes:
        symbols: The markets as they are written there; none where timeframes are several.
        timeframes: The known timeframes among those of the table; none where markets are several.
    """

    def __init__(self, message: str, symbols: tuple[str, ...] = (), timeframes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.symbols = symbols
        self.timeframes = timeframes


class CandlesRevised(InvalidMarketData):
    """Closed candles whose prices are too far from those that were posted before."""

    code = "candles_revised"


class FeatureMismatch(AppError):
    """Feature columns are not the ones, or not in the order, that something was fitted on."""

    code = "feature_mismatch"


class ModelNotFound(AppError):
    """No version of that name is registered."""

    code = "model_not_found"


class ModelUnusable(AppError):
    """A registered version that cannot serve; the message names the version and what is wrong."""

    code = "model_unusable"


class ModelCorrupt(ModelUnusable):
    """Files are missing, damaged, or not those that were written."""

    code = "model_corrupt"


class ModelOutdated(ModelUnusable):
    """The model reads features that this release no longer computes, or computes otherwise."""

    code = "model_outdated"


class ModelUnavailable(AppError):
    """No model is in production for a symbol and timeframe."""

    code = "model_unavailable"


class ModelStorageUnavailable(AppError):
    """The folder of the models cannot be written: its disk is full or read-only; the message has the remedy."""

    code = "model_storage_unavailable"
    transient = True


class MarketDataUnavailable(AppError):
    """No market-data source could give candles for a symbol."""

    code = "market_data_unavailable"
    transient = True


class UnknownSymbol(MarketDataUnavailable):
    """A symbol that a source, or every source, does not have: another try brings nothing."""

    code = "unknown_symbol"
    transient = False


class LlmUnavailable(AppError):
    """The LLM gave no answer: no key is ready, the budget is spent, every call failed, or its reply is none.

    Attributes:
        reason: One word for metrics and callers: `no_key`, `budget`, or the failure of the last call or reply.
        detail: Of a failed call, for operators alone: status and code, or why there was no connection.
    """

    code = "llm_unavailable"
    transient = True

    def __init__(self, message: str, reason: str, detail: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.detail = detail


class StorageUnavailable(AppError):
    """The store did not answer in its time, or answered with a failure of its own."""

    code = "storage_unavailable"
    transient = True


class Unstorable(AppError):
    """The store refuses a document or row for what it holds; it would refuse it again."""

    code = "unstorable"


class InvalidRequest(AppError):
    """A well-formed request that asks for something that does not exist."""

    code = "invalid_request"


class UnreadableCandles(InvalidRequest):
    """The content of a file that was sent is no table of candles; the message says where and what to do."""

    code = "unreadable_candles"


class NotAuthenticated(AppError):
    """The request needs a token and carries none, or a wrong one."""

    code = "not_authenticated"


class NotAllowed(AppError):
    """The request is refused with any token."""

    code = "not_allowed"


class RateLimited(AppError):
    """A client asks more often than it may; it may ask again after `retry_after_seconds`, at least 1."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PayloadTooLarge(AppError):
    """The request body is larger than the configured limit."""

    code = "payload_too_large"


class UnsupportedMediaType(AppError):
    """The request body is not declared as JSON."""

    code = "unsupported_media_type"


class NotReady(AppError):
    """The service is shutting down, or has no room for more of such work at the moment."""

    code = "not_ready"


class TrainingFailed(AppError):
    """Training gave no model that answers."""

    code = "training_failed"


class ExportMismatch(AppError):
    """A model has no ONNX form that gives the model's own answers."""

    code = "export_mismatch"


class InvalidModelFile(AppError):
    """A model file is damaged, unsafe to load or not what it should hold."""

    code = "invalid_model_file"


class NotFound(AppError):
    """What the request names is not there."""

    code = "not_found"


class Conflict(AppError):
    """The request does not fit the state of what it names."""

    code = "conflict"


class JobQueueFull(AppError):
    """The greatest number of jobs waits already."""

    code = "job_queue_full"


class LibraryMissing(AppError):
    """The installation lacks libraries that the work needs; the message names them and says how to get them."""

    code = "library_missing"


class JobFailed(AppError):
    """A job ended without a result."""

    code = "job_failed"

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient
