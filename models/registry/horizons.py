"""Where the versions of further horizons are: each horizon has a registry of its own, with its own aliases."""

from __future__ import annotations

from pathlib import Path

from config.model_settings import ModelSettings

HORIZONS_FOLDER = "horizons"


def settings_at(models: ModelSettings, horizon: int) -> ModelSettings:
    """Return the settings with the folders of one of the further horizons.

    Args:
        models: Those of the horizon `features.horizon_candles`.
        horizon: Candles ahead.
    """
    own, shipped = (
        str(Path(path) / HORIZONS_FOLDER / str(horizon)) for path in (models.save_path, models.shipped_path)
    )
    return models.model_copy(update={"save_path": own, "shipped_path": shipped})
