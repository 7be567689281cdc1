"""Settings are read from `config.yaml`, a further file over it, the environment and the caller's overrides."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from config.errors.refusals import one_line
from config.files import read_at_most
from config.section import over
from config.settings import Settings
from domain.errors import ConfigurationError

# Holds every value; the file that CONFIG_FILE names needs only those that differ.
CONFIG_FILE = Path(__file__).resolve().parent.parent / "config.yaml"
OWN_FILE = "CONFIG_FILE"
MAX_FILE_BYTES = 1_000_000
# No setting lies deeper: what follows in a longer name is one unknown key.
MAX_PARTS = 9
# libyaml, where it is, reads the file in a tenth of the time.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Similarity to a section's name from which a variable counts as misspelled, 0 to 1.
_MISSPELLED = 0.6
# The same of a variable that begins with the same word.
_NEAR_NAME = 0.83

# The names that deployments already use. Any other key is reached as SECTION__KEY.
ENVIRONMENT_NAMES: dict[str, tuple[str, str]] = {
    "HOST": ("server", "host"),
    "PORT": ("server", "port"),
    "ENVIRONMENT": ("server", "environment"),
    "LOG_LEVEL": ("logging", "level"),
    "LOG_FILE": ("logging", "file"),
    "LOG_FORMAT": ("logging", "format"),
    "OTLP_ENDPOINT": ("tracing", "endpoint"),
    "OTLP_HEADERS": ("tracing", "headers"),
    "DATABASE_URL": ("storage", "url"),
    "REDIS_URL": ("redis", "url"),
    "ANALYSIS_INTERVAL_MINUTES": ("analysis", "interval_minutes"),
    "MODEL_SAVE_PATH": ("models", "save_path"),
    "ANALYSIS_SYMBOLS": ("analysis", "symbols"),
    "PERIODIC_ANALYSIS": ("periodic", "enabled"),
    "MARKET_DATA_SOURCES": ("market_data", "sources"),
    "JOBS_BACKEND": ("jobs", "backend"),
    "RABBITMQ_URL": ("jobs", "rabbitmq_url"),
    "RUST_API_URL": ("market_data", "engine_url"),
    "OPENAI_API_KEY": ("llm", "api_key"),
    "OPENAI_BACKUP_API_KEYS": ("llm", "backup_keys"),
    "OPENAI_BASE_URL": ("llm", "base_url"),
    "OPENAI_REQUEST_DELAY": ("llm", "spacing_seconds"),
    "ADMIN_TOKEN": ("access", "admin_token"),
    "CLIENT_TOKENS": ("access", "client_tokens"),
    "WS_TOKEN": ("websocket", "token"),
    "WS_ORIGINS": ("websocket", "origins"),
    "NOTIFY_URLS": ("notices", "urls"),
    "WEBHOOK_URLS": ("webhooks", "urls"),
    "WEBHOOK_SECRET": ("webhooks", "secret"),
    "RATE_LIMITS": ("rate_limits", "enabled"),
    "TRUSTED_NETWORKS": ("access", "trusted_networks"),
    "TRUSTED_PROXIES": ("access", "trusted_proxies"),
    "TRUSTED_HOSTS": ("access", "trusted_hosts"),
    "CORS_ORIGINS": ("access", "cors_origins"),
}

_SECRETS = {
    ("access", "admin_token"),
    ("access", "client_tokens"),
    ("websocket", "token"),
    ("llm", "api_key"),
    ("llm", "backup_keys"),
    ("jobs", "rabbitmq_url"),
    ("notices", "urls"),
    ("webhooks", "secret"),
    ("tracing", "headers"),
}
# In a URL, user:password@.
_PASSWORD = re.compile(r"://[^\s/@]*:[^\s/@]+@")


def load_settings(
    config_file: Path = CONFIG_FILE,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Return the settings from the file, overridden by the environment, overridden by `overrides`.

    Args:
        config_file: Has every value; CONFIG_FILE in the environment may name a file that overrides some.
        environment: `os.environ` by default.
        overrides: By section and key, of the command line.

    Raises:
        ConfigurationError: one line that names the key at fault and what it needs.
    """
    environment = os.environ if environment is None else environment
    tree = _read_yaml(config_file)
    origin: dict[tuple[str, ...], str] = {}
    if own := environment.get(OWN_FILE):
        own_file = Path(own)
        own_tree = _read_yaml(own_file)
        origin.update(dict.fromkeys(_values(own_tree), own_file.name))
        tree = over(tree, own_tree)
    for name, path, value in _environment_values(environment):
        tree = over(tree, _nested(path, value))
        origin[path] = name
    tree = over(tree, overrides or {})
    origin |= dict.fromkeys(_values(overrides or {}), "command line")
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError(one_line(error, Settings, origin, config_file.name)) from None


class _UniqueKeys(_SafeLoader):  # type: ignore[misc, valid-type]  # which of the two is known at run time
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
                names.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


# Whole at once: the loader's own way lets a mapping contain itself.
_UniqueKeys.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


@lru_cache(maxsize=2)
def _parsed(text: str) -> Any:
    """Return what the text says, which takes 15 ms the first time; the result is never changed, so it is kept.

    Raises:
        yaml.YAMLError: it is no YAML, or a mapping has a key twice, of which the first would count for nothing.
        ValueError: a number of thousands of digits, or a day that is in no calendar.
        RecursionError: hundreds of mappings or lists are in each other.
    """
    return yaml.load(text, _UniqueKeys)  # noqa: S506 - it is a safe loader


def _read_yaml(config_file: Path) -> dict[str, dict[str, Any]]:
    try:
        tree = _parsed(read_at_most(config_file, MAX_FILE_BYTES).decode())
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{config_file.name} cannot be read: {_why_unreadable(error)}") from None
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{config_file.name} needs sections with keys under them")
    for name, section in tree.items():
        if not isinstance(section, dict):
            raise ConfigurationError(f"{config_file.name}: {name}: needs keys under it")
    for path, value in _values(tree).items():
        if path[:2] in _SECRETS or _PASSWORD.search(str(value)):
            name = ".".join(path)
            raise ConfigurationError(f"{config_file.name}: {name} is a secret: set it in the environment instead")
    return tree


def _why_unreadable(error: OSError | yaml.YAMLError | ValueError | RecursionError) -> str:
    """Return why a file is no YAML, with the line, or why it cannot be read at all."""
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _values(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return every value in a tree under its path."""
    found = dict[tuple[str, ...], Any]()
    for key, value in tree.items():
        path = (*above, str(key))
        found |= _values(value, path) if isinstance(value, Mapping) else {path: value}
    return found


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return the value under its path of keys."""
    head, *rest = path
    return {head: _nested(tuple(rest), value) if rest else value}


def _environment_values(environment: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield the name, the path and the value of every variable that is a setting; lists come as `a, b`.

    Raises:
        ConfigurationError: a variable is named like a section that does not exist.
    """
    for name, target in ENVIRONMENT_NAMES.items():
        if name in environment:
            yield name, target, _listed(target, environment[name])
    for name, value in environment.items():
        path = tuple(name.lower().split("__", MAX_PARTS))
        if len(path) < 2 or not all(path):
            continue
        if path[0] in Settings.model_fields:
            yield name, path, _listed(path, value)
        elif meant := _meant_section(path):
            raise ConfigurationError(f"{name}: unknown section {path[0]}: is {meant} meant?")


def misspelled_names(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without effect that are named nearly like one of the settings, each with that name.

    Near is the name of a setting that begins with the same word, or SECTION_KEY for SECTION__KEY. Variables of other
    programs have none.
    """
    sections = {"_".join(path): "__".join(path) for path in _values(_read_yaml(CONFIG_FILE))}
    found = {}
    for name in environment:
        if name in ENVIRONMENT_NAMES or name == OWN_FILE or "__" in name or "_" not in name:
            continue
        alike = [known for known in ENVIRONMENT_NAMES if known.partition("_")[0] == name.upper().partition("_")[0]]
        near = get_close_matches(name.upper(), alike, n=1, cutoff=_NEAR_NAME)
        if meant := near or [key.upper() for joined, key in sections.items() if joined == name.lower()]:
            found[name] = meant[0]
    return found


def _meant_section(path: tuple[str, ...]) -> str | None:
    """Return the section of nearly this name that has the key: other programs have variables of this form too."""
    for section in get_close_matches(path[0], Settings.model_fields, cutoff=_MISSPELLED):
        kind: Any = Settings.model_fields[section].annotation
        if path[1] in kind.model_fields:
            return section
    return None


def _listed(path: tuple[str, ...], value: str) -> Any:
    """Return the parts of a value whose setting is a list, else the value as it is."""
    section: Any = Settings
    for key in path:
        field = section.model_fields.get(key) if isinstance(section, type) and issubclass(section, BaseModel) else None
        if field is None:
            return value
        section = field.annotation
    if get_origin(section) is not tuple:
        return value
    return [part.strip() for part in value.split(",") if part.strip()]
