"""The versions of plan models: a registry of their own, since none of them may serve as a model of the close."""

from __future__ import annotations

from pathlib import Path

from config.model_settings import ModelSettings
from models.registry.registry import Registry
from models.registry.version_names import PLAN_PREFIX

PLANS_FOLDER = "plans"


def plan_registry(settings: ModelSettings) -> Registry:
    """Return the registry of plan models, a folder within that of the others; none come with the service."""
    return Registry(Path(settings.save_path) / PLANS_FOLDER)


def registry_of(settings: ModelSettings, version: str) -> Registry:
    """Return the registry in which a version is, by its name."""
    return plan_registry(settings) if version.startswith(PLAN_PREFIX) else Registry.of(settings)
