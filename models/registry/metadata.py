"""Metadata of a version of a model: the content of its `metadata.json`."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from config.section import Count
from domain.errors import InvalidRequest
from domain.forecasting import (
    ANY_SYMBOL,
    ForecastVerdict,
    ModelScope,
    ModelTarget,
    ModelType,
    VersionName,
    VolatilitySkill,
)
from domain.market import Timeframe
from domain.naming.leaders import leader_of
from domain.trading.forecast_plans import PlanRecord
from domain.trading.plan_models import PlanModelRecord
from domain.values import Frozen, Share
from features.columns.leader import PREFIX as LEADER_PREFIX
from models.architectures.outputs import InputKind, OutputKind
from models.evaluation.calibration import Calibration
from models.evaluation.gate import GateVerdict
from models.evaluation.metrics import Scores
from models.registry.importances import ColumnImportance
from models.registry.training_history import TrainingHistory
from models.registry.version_names import PLAN_PREFIX

# No separator and no leading dot: a name can only mean a file within the version's folder.
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}(\.[a-z0-9]{1,10}){1,2}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

MODEL_FILE = "model.onnx"
SCALER_FILE = "scaler.json"
METADATA_FILE = "metadata.json"
PREDICTIONS_FILE = "predictions.npz"
# The SHA-256 of the metadata, which hold those of all other files, as `sha256sum -c` reads it.
SEAL_FILE = "metadata.json.sha256"


class FeatureColumns(Frozen):
    """The feature set that a model reads: its name, its id and its columns in order."""

    name: str
    id: str
    columns: Annotated[tuple[str, ...], Field(min_length=1)]


class TrainingRange(Frozen):
    """Candles that a model was trained on: first and last by open time, and their number.

    Attributes:
        markets: Their symbols; empty in versions of earlier releases.
        over_break_share: Share of the returns to forecast that span a night, a weekend or a holiday, 0..1.
    """

    first_ms: int
    last_ms: int
    candles: Count
    training_windows: Count
    validation_windows: Annotated[int, Field(ge=0)]
    # Versions of earlier releases never span a break.
    over_break_share: Share = 0.0
    markets: tuple[str, ...] = ()


class JudgedRange(Frozen):
    """Candles of the predictions out of sample by which a model was judged: first and last by open time."""

    first_ms: int
    last_ms: int


class Graph(Frozen):
    """Inputs and outputs of `model.onnx`.

    Attributes:
        sequence_length: Rows of features in a window.
        inputs: The scaled window, its newest row, or its summary (`models/architectures/summary.py`).
        outputs: What its answers are (`models/architectures/outputs.py`).
        horizons_candles: The horizons it forecasts; of `multi_horizon` models alone.
        calibration: From its probability to the calibrated one.
        selected: The columns of the set that it reads, in their order; empty where it reads all.
        facts: Columns that it reads after them and that no candles tell, such as those of plans.
    """

    feature_set: FeatureColumns
    selected: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    sequence_length: Count
    inputs: InputKind
    outputs: OutputKind
    horizons_candles: tuple[Count, ...] = ()
    calibration: Calibration

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (*(self.selected or self.feature_set.columns), *self.facts)

    @model_validator(mode="after")
    def _horizons_where_told(self) -> Self:
        if self.selected != tuple(name for name in self.feature_set.columns if name in self.selected):
            raise ValueError("the selected columns have to be those of the feature set, in their order")
        if bool(self.horizons_candles) != (self.outputs == "multi_horizon"):
            raise ValueError("multi_horizon models name their horizons, and no others do")
        return self


class Member(Frozen):
    """A version within an ensemble, with its share of the answer."""

    version: VersionName
    type: ModelType
    weight: Annotated[float, Field(gt=0, le=1)]


class ModelMetadata(Frozen):
    """One version of a model. Either it has a graph of its own, or it is an ensemble of members.

    Attributes:
        horizon_candles: Candles from the close to the forecast close.
        data: What it was trained on; None for an imported file, as are `metrics`, `verdict` and `seed`.
        metrics: Out of sample, fold after fold, on the sign of the forward return.
        judged: Candles of `metrics`; None of imported files and of versions of earlier releases.
        baselines: Scores of each baseline on the same rows.
        plans: Results of its plans at its predictions out of sample; None where they were not measured, as in
            versions of earlier releases and imported files.
        volatility: Skill of the forecast of volatility over its horizon, on the candles of `metrics` of which the
            coefficients of that forecast know nothing; None without any, of imported files and earlier versions.
        training_history: Losses by epoch or round; None of learners without either, of ensembles, imported files and
            versions of earlier releases.
        importances: Shares of the columns in the gain of all splits; empty of what does not split, of ensembles,
            imported files and versions of earlier releases.
        verdict: Decision of the gate, with its reasons.
        settings: Those of the training run.
        libraries: Name and version of the libraries that trained and exported it.
        parameters: Trained numbers; of trees the nodes.
        shipped: Whether it was made to come with the service.
        judged_plans: How a plan model did, which forecasts plans that the rules gave; None of models of the close.
        files: SHA-256 of every file of the version but the metadata and their seal.
    """

    version: VersionName
    type: ModelType
    symbol: ModelScope
    timeframe: Timeframe
    created_at: AwareDatetime
    horizon_candles: Count
    graph: Graph | None = None
    members: tuple[Member, ...] = ()
    data: TrainingRange | None = None
    metrics: Scores | None = None
    judged: JudgedRange | None = None
    baselines: dict[str, Scores] = Field(default_factory=dict)
    plans: PlanRecord | None = None
    volatility: VolatilitySkill | None = None
    training_history: TrainingHistory | None = None
    importances: tuple[ColumnImportance, ...] = ()
    verdict: GateVerdict | None = None
    seed: int | None = None
    settings: dict[str, Any]
    libraries: dict[str, str]
    parameters: Annotated[int, Field(ge=0)]
    shipped: bool = False
    judged_plans: PlanModelRecord | None = None
    files: dict[FileName, Sha256] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _graph_or_members(self) -> Self:
        if not self.version.startswith(f"{PLAN_PREFIX if self.judged_plans else ''}{self.type}_model_"):
            raise ValueError(f"a {self.type} model cannot be called {self.version}")
        if (self.type is ModelType.ENSEMBLE) == (self.graph is not None) or bool(self.members) == bool(self.graph):
            raise ValueError("an ensemble has members and no graph, every other model a graph and no members")
        if self.members:
            if len({member.type for member in self.members}) < len(self.members):
                raise ValueError("an ensemble has one member of a type at most")
            if any(member.type is ModelType.ENSEMBLE for member in self.members):
                raise ValueError("an ensemble is no member of another")
            if abs(sum(member.weight for member in self.members) - 1) > 1e-9:
                raise ValueError("the weights of the members do not add up to 1")
        if (
            self.graph
            and self.graph.outputs == "multi_horizon"
            and self.horizon_candles not in self.graph.horizons_candles
        ):
            raise ValueError(f"{self.horizon_candles} candles are none of the horizons {self.graph.horizons_candles}")
        return self

    @property
    def scope(self) -> tuple[str, Timeframe]:
        """Symbol (or `*`) and timeframe that it was trained for."""
        return self.symbol, self.timeframe

    @property
    def target(self) -> ModelTarget:
        """What it forecasts."""
        return "plan" if self.judged_plans else "close"

    @property
    def trained_until_ms(self) -> int | None:
        """Close of the newest candle that it was trained on, epoch ms; None of an imported file."""
        return self.data.last_ms + self.timeframe.ms if self.data else None

    @property
    def skill(self) -> ForecastVerdict | None:
        """Whether it was surely better than the prior out of sample; None where it was not judged by itself."""
        if self.verdict is None or not self.verdict.comparisons:
            return None
        return "better" if self.verdict.comparisons[0].better else "not_better"

    def leader(self, symbol: str) -> str | None:
        """Return the market whose candles it reads beside those of a symbol.

        None where no column is of a leader, or none of the markets of its training had one.
        """
        # Of an ensemble the members tell, and the columns are not here.
        reads = self.graph is None or any(name.startswith(LEADER_PREFIX) for name in self.graph.columns)
        markets = self.data.markets if self.data and reads else ()
        return leader_of(symbol) if any(leader_of(market) in markets for market in markets) else None

    def require_data(self) -> TrainingRange:
        """Return what it was trained on.

        Raises:
            InvalidRequest: it was imported.
        """
        if self.data is None:
            raise InvalidRequest(f"{self.version} was imported: the candles that it was trained on are not known")
        return self.data

    def require_market(self, symbol: str, timeframe: Timeframe | None) -> None:
        """Check that it forecasts a market, and its candles of a timeframe where one is named.

        Raises:
            InvalidRequest: it forecasts another one.
        """
        if self.symbol not in (symbol, ANY_SYMBOL):
            raise InvalidRequest(f"{self.version} forecasts {self.symbol}, not {symbol}")
        if timeframe not in (None, self.timeframe):
            raise InvalidRequest(f"{self.version} forecasts {self.timeframe} candles, not {timeframe}")
