"""The settings tree: one frozen section per part of the service, with units in the key names."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, model_validator

from config.llm_settings import LlmSettings
from config.model_settings import ModelSettings
from config.section import Count, HttpUrl, Seconds, Secret, Section, split_commas
from domain.market import Timeframe

Network = IPv4Network | IPv6Network


def _on_off(value: Any) -> Any:
    """Let YAML and the environment both say on and off, in any case."""
    if isinstance(value, str) and value.lower() in {"on", "off"}:
        return value.lower() == "on"
    return value


# Without a port; "host:8000" would never equal what is compared with it.
HostName = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9._-]+$")]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,20}$")]
Switch = Annotated[bool, BeforeValidator(_on_off)]
RateLimit = Annotated[str, Field(pattern=r"^[1-9][0-9]*/(second|minute|hour|day)$")]
GapPolicy = Literal["none", "flat"]
NanPolicy = Literal["drop", "forward_fill"]
ScalerKind = Literal["standard", "minmax"]
WhenDamaged = Literal["refuse", "set_aside"]
TargetKind = Literal["binary", "soft", "three_class", "multi_horizon"]
# YAML reads `off` as false.
Blend = Annotated[
    Literal["off", "advise", "weighted"], BeforeValidator(lambda value: "off" if value is False else value)
]


class ServerSettings(Section):
    """Where the service listens, and what a client may send; docs/limits.md explains the bounds."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    environment: Literal["development", "staging", "production", "test"] = "development"
    max_head_bytes: Annotated[int, Field(ge=4096, le=1_048_576)] = 65_536
    max_header_lines: Annotated[int, Field(ge=20, le=1000)] = 100
    max_url_bytes: Annotated[int, Field(ge=1024, le=65_536)] = 8000
    max_pipelined_requests: Count = 8
    head_timeout_seconds: Seconds = 20
    body_grace_seconds: Seconds = 20
    min_body_bytes_per_second: Count = 4096
    max_unfinished_body_bytes: Annotated[int, Field(ge=1_048_576)] = 67_108_864
    write_timeout_seconds: Seconds = 30
    max_connections_per_address: Count = 100
    reserved_descriptors: Annotated[int, Field(ge=8, le=1024)] = 32


class LoggingSettings(Section):
    level: Annotated[
        Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = "INFO"
    format: Literal["text", "json"] = "text"
    file: str = ""
    file_rotation_bytes: Annotated[int, Field(ge=65_536)] = 20_000_000
    file_retention: Count = 5
    max_waiting_bytes: Annotated[int, Field(ge=65_536)] = 4_194_304


class StorageSettings(Section):
    url: Annotated[SecretStr, Field(description="sqlite:///path or mongodb://…/database")] = SecretStr(
        "sqlite:///data/trading_ai.db"
    )
    timeout_ms: Count = 50
    cache_retention_hours: Count = 24
    archive_retention_days: Count = 180
    candles_per_series: Annotated[int, Field(ge=500)] = 20_000
    max_candles: Annotated[int, Field(ge=10_000)] = 5_000_000
    retry_seconds: Seconds = 2
    when_damaged: WhenDamaged = "refuse"
    spool_path: Annotated[str, Field(description="a folder, auto, or empty")] = "auto"
    spool_max_bytes: Annotated[int, Field(ge=1024)] = 268_435_456


class AnalysisSettings(Section):
    interval_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5
    symbols: Annotated[tuple[Symbol, ...], BeforeValidator(split_commas), Field(min_length=1)]
    min_candles: Annotated[int, Field(ge=60)] = 60
    max_candles_per_timeframe: Count = 5000
    window_candles: Annotated[int, Field(ge=60)] = 300
    clock_skew_seconds: Annotated[float, Field(ge=0)] = 60
    max_price_drift_atr: Annotated[float, Field(gt=0)] = 1.0
    max_revision_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.2
    primary_timeframes: tuple[Timeframe, ...]
    worker_threads: Annotated[int, Field(ge=1, le=32)] = 2
    blend: Blend = "advise"
    model_weight: Annotated[float, Field(ge=0, le=1)] = 0.3


class IndicatorSettings(Section):
    """Periods in candles, deviations in standard deviations; `ta` is the slow reference of the fast engine."""

    engine: Literal["fast", "ta"] = "fast"
    rsi_period: Annotated[int, Field(ge=2)] = 14
    macd_fast: Annotated[int, Field(ge=2)] = 12
    macd_slow: Annotated[int, Field(ge=3)] = 26
    macd_signal: Annotated[int, Field(ge=2)] = 9
    ema_periods: tuple[Count, ...] = (9, 12, 21, 26, 50)
    sma_periods: tuple[Count, ...] = (20, 50)
    bollinger_period: Annotated[int, Field(ge=2)] = 20
    bollinger_deviations: Annotated[float, Field(gt=0)] = 2.0
    atr_period: Annotated[int, Field(ge=2)] = 14
    stochastic_period: Annotated[int, Field(ge=2)] = 14
    stochastic_smoothing: Count = 3
    williams_period: Annotated[int, Field(ge=2)] = 14
    cci_period: Annotated[int, Field(ge=2)] = 20
    roc_period: Count = 12
    vwap_period: Annotated[int, Field(ge=2)] = 20
    volume_period: Annotated[int, Field(ge=2)] = 20
    adx_period: Annotated[int, Field(ge=2)] = 14


class FeatureSettings(Section):
    """From candles to training data; shares are fractions of all rows, the threshold of the price."""

    gap_policy: GapPolicy = "none"
    max_fill_candles: Count = 12
    nan_policy: NanPolicy = "drop"
    max_forward_fill_rows: Count = 3
    max_lost_share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    selected_features: Annotated[int, Field(ge=0)] = 0
    scaler: ScalerKind = "standard"
    sequence_length: Count = 60
    target_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.005
    hold_deviations: Annotated[float, Field(gt=0, le=5)] = 0.25
    horizon_candles: Count = 1
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.15
    embargo_candles: Annotated[int, Field(ge=0)] = 0


SourceName = Literal["stored", "engine", "engine_db", "binance", "yahoo", "ccxt", "files", "synthetic"]


class MarketDataSettings(Section):
    sources: Annotated[
        tuple[SourceName, ...],
        BeforeValidator(split_commas),
        Field(min_length=1),
    ]
    timeframes: Annotated[tuple[Timeframe, ...], Field(min_length=1)]
    candles: Annotated[int, Field(ge=60, le=1000)] = 250
    timeout_seconds: Seconds = 5
    max_age_candles: Annotated[float, Field(ge=1)] = 2
    engine_url: HttpUrl = ""
    engine_settings_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5
    binance_url: Annotated[HttpUrl, Field(min_length=1)] = "https://api.binance.com"
    yahoo_url: Annotated[HttpUrl, Field(min_length=1)] = "https://query1.finance.yahoo.com"
    ccxt_exchange: Annotated[str, Field(pattern=r"^[a-z0-9_]{0,40}$")] = ""
    files_path: str = ""
    synthetic_seed: int = 20251


class SignalSettings(Section):
    """The stream of signals for many symbols, and its filters."""

    timeframe: Timeframe = Timeframe.M15
    candles: Annotated[int, Field(ge=60, le=999)] = 240
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.6
    max_signals_per_minute: Count = 10
    max_correlation: Annotated[float, Field(ge=0, le=1)] = 0.8
    open_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 240
    cache_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5


class JobSettings(Section):
    backend: Literal["in_process"] = "in_process"
    max_running: Count = 1
    max_queued: Count = 8
    timeout_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120
    keep_days: Count = 90


class TradeSettings(Section):
    """Closed trades that wait for their review, at most."""

    max_waiting: Count = 10_000
    max_waiting_strangers: Count = 50


class PeriodicSettings(Section):
    enabled: Switch = True
    pause_seconds: Annotated[float, Field(ge=0)] = 1


class WebSocketSettings(Section):
    max_clients: Count = 2000
    max_clients_per_address: Count = 50
    max_buffered_bytes: Annotated[int, Field(ge=4096)] = 262_144
    max_message_bytes: Annotated[int, Field(ge=256)] = 16_384
    ping_seconds: Seconds = 20
    pong_timeout_seconds: Seconds = 20
    origins: Annotated[tuple[str, ...], BeforeValidator(split_commas)] = ()
    token: Secret = None


class AccessSettings(Section):
    admin_token: Secret = None
    admin_token_file: str = ""
    loopback_admin: Switch = False
    client_tokens: Annotated[tuple[SecretStr, ...], BeforeValidator(split_commas)] = ()
    trusted_networks: Annotated[tuple[Network, ...], BeforeValidator(split_commas)] = ()
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(split_commas)] = ()
    trusted_hosts: Annotated[tuple[HostName, ...], BeforeValidator(split_commas)] = ()
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(split_commas)] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4_194_304


class RateLimitSettings(Section):
    """Limits per client address; the trusted ones hold for `access.trusted_networks`."""

    enabled: Switch = True
    analyze: RateLimit = "10/minute"
    analyze_trusted: RateLimit = "600/minute"
    default: RateLimit = "120/minute"
    default_trusted: RateLimit = "6000/minute"
    debug: RateLimit = "5/minute"


class Settings(Section):
    """Every setting of the service; `config.sources.load_settings` reads it."""

    server: ServerSettings
    logging: LoggingSettings
    storage: StorageSettings
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    features: FeatureSettings
    models: ModelSettings
    llm: LlmSettings
    market_data: MarketDataSettings
    signals: SignalSettings
    periodic: PeriodicSettings
    jobs: JobSettings
    trades: TradeSettings
    websocket: WebSocketSettings
    access: AccessSettings
    rate_limits: RateLimitSettings

    @model_validator(mode="after")
    def _know_own_name(self) -> Self:
        """Return the settings with the name that the service listens on among its own hosts."""
        own = self.server.host.lower()
        if own in self.access.trusted_hosts:
            return self
        access = self.access.model_copy(update={"trusted_hosts": (*self.access.trusted_hosts, own)})
        return self.model_copy(update={"access": access})

    def secret_values(self) -> list[str]:
        """Return the plain text of every secret, so that logging can mask it."""
        tokens = [self.access.admin_token, *self.access.client_tokens, self.websocket.token, *self.llm.keys]
        password = urlsplit(self.storage.url.get_secret_value()).password
        return [token.get_secret_value() for token in tokens if token is not None] + ([password] if password else [])
