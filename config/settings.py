"""The settings tree: one frozen section per part of the service, with units in the key names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from config.backtest_settings import BacktestSettings, TradingSettings
from config.guard_settings import GuardSettings
from config.job_settings import JobSettings
from config.ledger_settings import LedgerSettings
from config.llm_settings import LlmSettings
from config.model_settings import ModelSettings
from config.report_settings import NoticeSettings, ReportSettings, WebhookSettings
from config.schedule_settings import ScheduleSettings
from config.section import Count, HttpUrl, NotNegative, Positive, Seconds, Section, Switch, each_once
from config.server_settings import (
    AccessSettings,
    LoggingSettings,
    RateLimitSettings,
    RedisSettings,
    ServerSettings,
    TracingSettings,
    WebSocketSettings,
)
from config.watch_settings import EmergencySettings, SelfAnalysisSettings
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Share, TextForm

GapPolicy = Literal["none", "flat"]
NanPolicy = Literal["drop", "forward_fill"]
ScalerKind = Literal["standard", "minmax"]
WhenDamaged = Literal["refuse", "set_aside"]
# How the URL of a SQLite file begins.
SQLITE = "sqlite:///"
TargetKind = Literal["binary", "soft", "three_class", "multi_horizon"]
# YAML reads `off` as false.
Blend = Annotated[
    Literal["off", "advise", "weighted"], BeforeValidator(lambda value: "off" if value is False else value)
]


class StorageSettings(Section):
    """Where everything is kept.

    Attributes:
        url: `sqlite:///data/x.db` is relative to the working folder, `sqlite:////var/x.db` absolute.
    """

    url: Annotated[SecretStr, Field(description="sqlite:///path or mongodb://…/database")]
    timeout_ms: Count
    cache_retention_hours: Count
    archive_retention_days: Count
    candles_per_series: Annotated[int, Field(ge=500)]
    max_candles: Annotated[int, Field(ge=10_000)]
    retry_seconds: Seconds
    when_damaged: WhenDamaged
    spool_path: Annotated[str, Field(description="a folder, auto, or empty")]
    spool_max_bytes: Annotated[int, Field(ge=1024)]

    @property
    def data_folder(self) -> Path:
        """The folder of the SQLite file; `data`, in the working folder, with MongoDB."""
        url = self.url.get_secret_value()
        return Path(url.removeprefix(SQLITE)).parent if url.startswith(SQLITE) else Path("data")


class AnalysisSettings(Section):
    interval_minutes: Positive
    symbols: Annotated[tuple[SymbolName, ...], Field(min_length=1), AfterValidator(each_once)]
    min_candles: Annotated[int, Field(ge=60)]
    max_candles_per_timeframe: Count
    window_candles: Annotated[int, Field(ge=60)]
    clock_skew_seconds: Annotated[float, Field(ge=0)]
    max_price_drift_atr: Annotated[float, Field(gt=0)]
    max_revision_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    primary_timeframes: tuple[Timeframe, ...]
    worker_threads: Annotated[int, Field(ge=1, le=32)]
    blend: Blend
    model_weight: Share

    @property
    def clock_skew_ms(self) -> int:
        """How far the clock of a client may run ahead, in whole milliseconds."""
        return round(self.clock_skew_seconds * 1000)


class IndicatorSettings(Section):
    """Periods in candles, deviations in standard deviations; `ta` is the slow reference of the fast engine."""

    engine: Literal["fast", "ta"]
    rsi_period: Annotated[int, Field(ge=2)]
    macd_fast: Annotated[int, Field(ge=2)]
    macd_slow: Annotated[int, Field(ge=3)]
    macd_signal: Annotated[int, Field(ge=2)]
    ema_periods: tuple[Count, ...]
    sma_periods: tuple[Count, ...]
    bollinger_period: Annotated[int, Field(ge=2)]
    bollinger_deviations: Annotated[float, Field(gt=0)]
    atr_period: Annotated[int, Field(ge=2)]
    stochastic_period: Annotated[int, Field(ge=2)]
    stochastic_smoothing: Count
    williams_period: Annotated[int, Field(ge=2)]
    cci_period: Annotated[int, Field(ge=2)]
    roc_period: Count
    vwap_period: Annotated[int, Field(ge=2)]
    volume_period: Annotated[int, Field(ge=2)]
    adx_period: Annotated[int, Field(ge=2)]


class FeatureSettings(Section):
    """From candles to training data; shares are fractions of all rows, the threshold is a fraction of the price."""

    gap_policy: GapPolicy
    max_fill_candles: Count
    nan_policy: NanPolicy
    max_forward_fill_rows: Count
    max_lost_share: Annotated[float, Field(ge=0, lt=1)]
    selected_features: Annotated[int, Field(ge=0)]
    scaler: ScalerKind
    sequence_length: Count
    hold_deviations: Annotated[float, Field(gt=0, le=5)]
    horizon_candles: Count


SourceName = Literal["stored", "engine", "engine_db", "binance", "yahoo", "ccxt", "files", "synthetic"]
# Those that give their past page by page.
PagedSource = Literal["engine", "binance", "yahoo", "ccxt", "files"]


class MarketDataSettings(Section):
    sources: Annotated[tuple[SourceName, ...], Field(min_length=1), AfterValidator(each_once)]
    timeframes: Annotated[tuple[Timeframe, ...], Field(min_length=1)]
    candles: Annotated[int, Field(ge=60, le=1000)]
    timeout_seconds: Seconds
    max_age_candles: Annotated[float, Field(ge=1)]
    engine_url: HttpUrl = ""
    engine_settings_minutes: NotNegative
    binance_url: Annotated[HttpUrl, Field(min_length=1)]
    yahoo_url: Annotated[HttpUrl, Field(min_length=1)]
    ccxt_exchange: Annotated[
        str, TextForm(r"^[a-z0-9_]{0,40}$", "needs ccxt's name of an exchange, such as kraken")
    ] = ""
    files_path: str = ""
    synthetic_seed: int


class SignalSettings(Section):
    """Signals for many symbols, and their filters."""

    timeframe: Timeframe
    candles: Annotated[int, Field(ge=60, le=999)]
    min_confidence: Share
    max_signals_per_minute: Count
    max_correlation: Share
    open_minutes: Positive
    cache_minutes: Positive


class BiasSettings(Section):
    """How much the tools against bias look at."""

    moments: Annotated[int, Field(ge=1, le=1_000)]
    history_candles: Annotated[int, Field(ge=300, le=100_000)]


class TradeSettings(Section):
    """How many closed trades may wait for their review."""

    max_waiting: Count
    max_waiting_strangers: Count


class PeriodicSettings(Section):
    enabled: Switch
    pause_seconds: Annotated[float, Field(ge=0)]
    lease_seconds: Annotated[float, Field(ge=1, allow_inf_nan=False)]


class Settings(Section):
    """Every setting of the service; `config.sources.load_settings` reads it."""

    server: ServerSettings
    logging: LoggingSettings
    tracing: TracingSettings
    storage: StorageSettings
    redis: RedisSettings
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    features: FeatureSettings
    models: ModelSettings
    llm: LlmSettings
    market_data: MarketDataSettings
    signals: SignalSettings
    guards: GuardSettings
    ledger: LedgerSettings
    self_analysis: SelfAnalysisSettings
    emergency: EmergencySettings
    periodic: PeriodicSettings
    bias: BiasSettings
    jobs: JobSettings
    reports: ReportSettings
    notices: NoticeSettings
    webhooks: WebhookSettings
    schedule: ScheduleSettings
    trades: TradeSettings
    trading: TradingSettings
    backtests: BacktestSettings
    websocket: WebSocketSettings
    access: AccessSettings
    rate_limits: RateLimitSettings

    @model_validator(mode="after")
    def _know_own_name(self) -> Self:
        """Return the settings with `server.host` among the trusted hosts."""
        own = self.server.host.lower()
        if own in self.access.trusted_hosts:
            return self
        access = self.access.model_copy(update={"trusted_hosts": (*self.access.trusted_hosts, own)})
        return self.model_copy(update={"access": access})

    @model_validator(mode="after")
    def _know_what_workers_share(self) -> Self:
        """Refuse Celery without Redis: the progress of jobs would reach no socket."""
        if self.jobs.backend == "celery" and not self.redis.url.get_secret_value():
            raise PydanticCustomError(
                "no_redis", "celery needs REDIS_URL too, such as redis://user:password@host:6379/0"
            )
        return self

    def secret_values(self) -> list[str]:
        """Return the plain text of every secret, so that logging can mask it."""
        tokens = [self.access.admin_token, *self.access.client_tokens, self.websocket.token, *self.llm.keys]
        tokens += [self.webhooks.secret, *self.notices.urls, *map(SecretStr, self.tracing.header_values().values())]
        urls = [self.storage.url, self.redis.url, self.jobs.rabbitmq_url]
        plain = [url.get_secret_value() for url in urls if url is not None] + [self.llm.base_url]
        passwords = {urlsplit(url).password for url in plain}
        written = {form for password in passwords if password for form in (password, unquote(password))}
        return [token.get_secret_value() for token in tokens if token is not None] + sorted(written)
