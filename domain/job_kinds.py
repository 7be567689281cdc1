"""The kinds of jobs: what each is, where it runs, and whether it may run twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class JobKind(StrEnum):
    """What can be asked for."""

    TRAIN = "train"
    BIAS_LOOKAHEAD = "bias_lookahead"
    BIAS_RECURSIVE = "bias_recursive"
    BACKTEST = "backtest"
    OPTIMISE = "optimise"
    DRILL = "drill"
    EVALUATE = "evaluate"
    EVIDENCE = "evidence"
    BULK_ANALYSIS = "bulk_analysis"
    DOWNLOAD_CANDLES = "download_candles"
    SETTLE = "settle"
    PARITY = "parity"
    RETENTION = "retention"
    CLEANUP_MODELS = "cleanup_models"
    RETRAIN_IF_NEEDED = "retrain_if_needed"
    RECALIBRATE = "recalibrate"
    SELF_ANALYSIS = "self_analysis"
    HEALTH_CHECK = "health_check"
    PORTFOLIO_REPORT = "portfolio_report"
    COST_REPORT = "cost_report"
    PERFORMANCE_ANALYSIS = "performance_analysis"
    # Stands for a kind of another version of the service, which this one does not have: no such job runs.
    UNKNOWN = "unknown"

    @property
    def traits(self) -> KindTraits:
        """What is known of every job of this kind."""
        return TRAITS[self]


class JobQueue(StrEnum):
    """The queues that jobs wait in, with the names that dashboards know."""

    ML_TRAINING = "ml_training"
    BULK_ANALYSIS = "bulk_analysis"
    BACKTESTING = "backtesting"
    OPTIMIZATION = "optimization"
    SCHEDULED = "scheduled"


@dataclass(frozen=True)
class KindTraits:
    """What is known of every job of a kind.

    Attributes:
        queue: Where it waits.
        own_process: It runs in a process of its own, by the function of `tasks/jobs.py`; otherwise inside the service
            or worker, with its parts.
        libraries: Modules that its function imports and that an installation which only serves does not have.
        resumable: A second run does no harm and costs only time, so a job that was interrupted starts again by itself.
    """

    queue: JobQueue
    own_process: bool = True
    libraries: tuple[str, ...] = ()
    resumable: bool = True


TRAITS: Mapping[JobKind, KindTraits] = {
    JobKind.TRAIN: KindTraits(JobQueue.ML_TRAINING, libraries=("keras", "lightgbm", "onnx", "sklearn")),
    JobKind.BIAS_LOOKAHEAD: KindTraits(JobQueue.BACKTESTING),
    JobKind.BIAS_RECURSIVE: KindTraits(JobQueue.BACKTESTING),
    JobKind.BACKTEST: KindTraits(JobQueue.BACKTESTING),
    JobKind.OPTIMISE: KindTraits(JobQueue.OPTIMIZATION, libraries=("optuna",)),
    JobKind.DRILL: KindTraits(JobQueue.BACKTESTING),
    JobKind.EVALUATE: KindTraits(JobQueue.BACKTESTING),
    JobKind.EVIDENCE: KindTraits(JobQueue.BACKTESTING),
    JobKind.BULK_ANALYSIS: KindTraits(JobQueue.BULK_ANALYSIS, own_process=False),
    JobKind.DOWNLOAD_CANDLES: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.SETTLE: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.PARITY: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.RETENTION: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.CLEANUP_MODELS: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.RETRAIN_IF_NEEDED: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.RECALIBRATE: KindTraits(JobQueue.SCHEDULED, own_process=False),
    # A question to the LLM is paid for.
    JobKind.SELF_ANALYSIS: KindTraits(JobQueue.SCHEDULED, own_process=False, resumable=False),
    JobKind.HEALTH_CHECK: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.PORTFOLIO_REPORT: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.COST_REPORT: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.PERFORMANCE_ANALYSIS: KindTraits(JobQueue.SCHEDULED, own_process=False),
    JobKind.UNKNOWN: KindTraits(JobQueue.SCHEDULED, own_process=False, resumable=False),
}
# Those that this version of the service runs.
RUNNABLE_KINDS = tuple(kind for kind in JobKind if kind is not JobKind.UNKNOWN)
