"""Where settings come from: `config.yaml`, then the environment, then overrides of the caller."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from config.settings import Settings
from domain.errors import ConfigurationError

CONFIG_FILE = Path(__file__).resolve().parent.parent / "config.yaml"

# The names that deployments already use. Any other key is reached as SECTION__KEY.
ENVIRONMENT_NAMES: dict[str, tuple[str, str]] = {
    "HOST": ("server", "host"),
    "PORT": ("server", "port"),
    "ENVIRONMENT": ("server", "environment"),
    "LOG_LEVEL": ("logging", "level"),
    "LOG_FILE": ("logging", "file"),
    "LOG_FORMAT": ("logging", "format"),
    "DATABASE_URL": ("storage", "url"),
    "ANALYSIS_INTERVAL_MINUTES": ("analysis", "interval_minutes"),
    "MODEL_SAVE_PATH": ("models", "save_path"),
    "ANALYSIS_SYMBOLS": ("analysis", "symbols"),
    "PERIODIC_ANALYSIS": ("periodic", "enabled"),
    "MARKET_DATA_SOURCES": ("market_data", "sources"),
    "JOBS_BACKEND": ("jobs", "backend"),
    "RUST_API_URL": ("market_data", "engine_url"),
    "OPENAI_API_KEY": ("llm", "api_key"),
    "OPENAI_BACKUP_API_KEYS": ("llm", "backup_keys"),
    "OPENAI_BASE_URL": ("llm", "base_url"),
    "OPENAI_REQUEST_DELAY": ("llm", "spacing_seconds"),
    "ADMIN_TOKEN": ("access", "admin_token"),
    "CLIENT_TOKENS": ("access", "client_tokens"),
    "WS_TOKEN": ("websocket", "token"),
    "RATE_LIMITS": ("rate_limits", "enabled"),
    "TRUSTED_NETWORKS": ("access", "trusted_networks"),
    "TRUSTED_PROXIES": ("access", "trusted_proxies"),
    "CORS_ORIGINS": ("access", "cors_origins"),
}

_SECRETS = {
    ("access", "admin_token"),
    ("access", "client_tokens"),
    ("websocket", "token"),
    ("llm", "api_key"),
    ("llm", "backup_keys"),
}


def load_settings(
    config_file: Path = CONFIG_FILE,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Return the settings from the file, overridden by the environment, overridden by `overrides`.

    Raises:
        ConfigurationError: one line that names the key at fault and what it needs.
    """
    tree = _read_yaml(config_file)
    origin: dict[tuple[str, ...], str] = {}
    for name, path, value in _environment_values(os.environ if environment is None else environment):
        tree = _merged(tree, _nested(path, value))
        origin[path] = name
    tree = _merged(tree, overrides or {})
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError(_one_line(error, origin, config_file.name)) from None


def _read_yaml(config_file: Path) -> dict[str, dict[str, Any]]:
    try:
        tree = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{config_file.name} cannot be read: {reason}") from None
    if not isinstance(tree, dict) or not all(isinstance(section, dict) for section in tree.values()):
        raise ConfigurationError(f"{config_file.name} needs sections with keys under them")
    for secret_section, secret_key in _SECRETS:
        if secret_key in tree.get(secret_section, {}):
            raise ConfigurationError(
                f"{config_file.name}: {secret_section}.{secret_key} is a secret: set it in the environment instead"
            )
    return tree


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `over`, key by key at every depth."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _nested(path: tuple[str, ...], value: str) -> dict[str, Any]:
    """Return the value under its path of keys."""
    head, *rest = path
    return {head: _nested(tuple(rest), value) if rest else value}


def _environment_values(environment: Mapping[str, str]) -> list[tuple[str, tuple[str, ...], str]]:
    values: list[tuple[str, tuple[str, ...], str]] = [
        (name, target, environment[name]) for name, target in ENVIRONMENT_NAMES.items() if name in environment
    ]
    for name, value in environment.items():
        path = tuple(name.lower().split("__"))
        if len(path) > 1 and all(path) and path[0] in Settings.model_fields:
            values.append((name, path, value))
    return values


def _one_line(error: ValidationError, origin: Mapping[tuple[str, ...], str], file_name: str) -> str:
    """Name the first key at fault, never its value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    location = tuple(str(part) for part in first["loc"])
    key = ".".join(location)
    where = next(
        (origin[location[:depth]] for depth in range(len(location), 1, -1) if location[:depth] in origin), None
    )
    reason = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{where or file_name}: {key}: {reason}"
