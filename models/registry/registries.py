"""All registries of the settings: that of the usual horizon, one of each further horizon, and that of plan models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.model_settings import ModelSettings
from config.settings import Settings
from domain.errors import InvalidRequest, ModelNotFound
from domain.forecasting import ModelTarget
from models.registry.registry import PrunedVersions, Registry

HORIZONS_FOLDER = "horizons"
PLANS_FOLDER = "plans"


@dataclass(frozen=True)
class RegistryKey:
    """Which registry: each has its own versions and its own aliases.

    Attributes:
        target: What its models forecast.
        horizon: Candles ahead, one of `models.further_horizons_candles`; None of the models of the usual horizon,
            `features.horizon_candles`, and of plan models.
    """

    target: ModelTarget = "close"
    horizon: int | None = None

    def model(self, market: str) -> str:
        """Return in words whose model it is, such as `model * 1h, 4 candles ahead`."""
        return f"plan model {market}" if self.target == "plan" else f"model {self.market(market)}"

    def market(self, market: str) -> str:
        """Return in words what a model of a market forecasts, such as `* 1h, 4 candles ahead`."""
        if self.target == "plan":
            return f"plans of {market}"
        return market if self.horizon is None else f"{market}, {self.horizon} candles ahead"

    @property
    def models(self) -> str:
        """Its models in words, such as `models, 4 candles ahead`."""
        return "plan models" if self.target == "plan" else self.market("models")

    @property
    def name(self) -> str:
        """A word for labels: `usual`, the candles ahead, or `plan`."""
        if self.target == "plan":
            return "plan"
        return "usual" if self.horizon is None else str(self.horizon)

    @property
    def options(self) -> str:
        """The options by which a command names it, each after a space; empty of the usual horizon."""
        if self.target == "plan":
            return " --target plan"
        return "" if self.horizon is None else f" --horizon {self.horizon}"


USUAL = RegistryKey()
PLANS = RegistryKey(target="plan")


def keys_of(models: ModelSettings) -> tuple[RegistryKey, ...]:
    """Return every registry of the settings, that of the usual horizon first."""
    return (USUAL, *(RegistryKey(horizon=horizon) for horizon in models.further_horizons_candles), PLANS)


def key_of(settings: Settings, target: ModelTarget | None = None, horizon: int | None = None) -> RegistryKey:
    """Return which registry somebody asks for.

    Args:
        settings: Of models and features.
        target: None is the close.
        horizon: Candles ahead; None is the usual horizon.

    Raises:
        InvalidRequest: no models of this horizon are asked, or it is one of plans.
    """
    if target == "plan":
        if horizon is not None:
            raise InvalidRequest("a horizon is of models that forecast the close; plans have their own time limit")
        return PLANS
    own, further = settings.features.horizon_candles, settings.models.further_horizons_candles
    if horizon is None or horizon == own:
        return USUAL
    if horizon not in further:
        known = ", ".join(map(str, (own, *further)))
        raise InvalidRequest(f"no models of {horizon} candles ahead are asked; horizons are {known}")
    return RegistryKey(horizon=horizon)


def settings_at(settings: Settings, key: RegistryKey) -> Settings:
    """Return the settings by which models of a registry are trained and kept: with its folders and its horizon."""
    models, features = settings.models, settings.features
    if key.target == "plan":
        own = {"save_path": str(Path(models.save_path) / PLANS_FOLDER), "shipped": False}
        return settings.model_copy(update={"models": models.model_copy(update=own)})
    if key.horizon is None:
        return settings
    below = Path(HORIZONS_FOLDER) / str(key.horizon)
    folders = {name: str(Path(getattr(models, name)) / below) for name in ("save_path", "shipped_path")}
    ahead = features.model_copy(update={"horizon_candles": key.horizon})
    return settings.model_copy(update={"models": models.model_copy(update=folders), "features": ahead})


class Registries:
    """The registries by key; each version is in one of them."""

    def __init__(self, settings: Settings) -> None:
        """Take the folders and the further horizons of the settings; nothing is read yet."""
        self.settings = settings
        self._by_key = {key: Registry.of(settings_at(settings, key).models) for key in keys_of(settings.models)}

    def __iter__(self) -> Iterator[RegistryKey]:
        """Return the keys, that of the usual horizon first."""
        return iter(self._by_key)

    def at(self, key: RegistryKey) -> Registry:
        """Return a registry."""
        return self._by_key[key]

    def holder(self, version: str, horizon: int | None = None) -> RegistryKey:
        """Return which registry has a version.

        Args:
            version: Its name.
            horizon: Candles ahead, where two horizons have a version of this name; without it the usual horizon goes
                first, then the others in their order.

        Raises:
            InvalidRequest: no version can have that name, or no models of that horizon are asked.
            ModelNotFound: none has it.
        """
        keys = tuple(self) if horizon is None else (key_of(self.settings, horizon=horizon),)
        for key in keys:
            if self._by_key[key].folder(version).is_dir():
                return key
        ahead = "" if horizon is None else f" of {horizon} candles ahead"
        raise ModelNotFound(f"there is no version {version}{ahead}")

    def of_close(self, version: str, horizon: int | None) -> RegistryKey:
        """Return which registry has a version that forecasts the close; arguments as `holder`.

        Raises:
            InvalidRequest: as `holder`, or it is a plan model, which says nothing of a candle by itself.
            ModelNotFound: none has it.
        """
        key = self.holder(version, horizon)
        if key == PLANS:
            raise InvalidRequest(f"{version} is a plan model: it forecasts plans, and no close; evaluate judges it")
        return key

    def prune(self, keep: int, keys: Iterable[RegistryKey] | None = None) -> PrunedVersions:
        """Delete all but the newest versions of each market, as `Registry.prune`.

        Args:
            keep: Versions of each market to keep in each registry, >= 1.
            keys: Which registries; None is all.
        """
        # Nothing is made where nothing was trained.
        there = [key for key in (self if keys is None else keys) if key == USUAL or self.at(key).root.is_dir()]
        pruned = [self.at(key).prune(keep) for key in there]
        deleted, kept = (tuple(name for one in pruned for name in getattr(one, which)) for which in ("deleted", "kept"))
        return PrunedVersions(deleted, kept)
