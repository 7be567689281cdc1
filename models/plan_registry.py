"""The versions of plan models: a registry of their own, since none of them may serve as a model of the close."""

from __future__ import annotations

from pathlib import Path

from config.model_settings import ModelSettings
from models.registry.registry import Registry

PLANS_FOLDER = "plans"


def plan_registry(settings: ModelSettings) -> Registry:
    """Return the registry of plan models, a folder within that of the others; none come with the service."""
    return Registry(Path(settings.save_path) / PLANS_FOLDER)
