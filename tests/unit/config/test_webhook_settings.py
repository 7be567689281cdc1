"""Which receivers of webhooks are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.sources import load_settings
from domain.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    [
        "https://signals.example/hook?key=1",
        "http://127.0.0.1:9000/hook",
        "http://[::1]:9000",
        "http://192.168.1.20/hook",
        "http://bot:9000/hook",
    ],
)
def test_https_and_near_receivers_are_accepted(url: str) -> None:
    settings = load_settings(environment={"WEBHOOK_URLS": url, "WEBHOOK_SECRET": "of the tests"})
    assert settings.webhooks.urls == (url,)
    assert "of the tests" in settings.secret_values()
    assert "of the tests" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"WEBHOOK_URLS": "https://signals.example"}, "set WEBHOOK_SECRET in the environment"),
        ({"WEBHOOK_URLS": "https://signals.example", "WEBHOOK_SECRET": ""}, "set WEBHOOK_SECRET"),
        ({"WEBHOOK_URLS": "http://signals.example", "WEBHOOK_SECRET": "s"}, "needs https"),
        ({"WEBHOOK_URLS": "http://8.8.8.8", "WEBHOOK_SECRET": "s"}, "needs https"),
        ({"WEBHOOK_URLS": "https://user:pass@signals.example", "WEBHOOK_SECRET": "s"}, "no user or password"),
        ({"WEBHOOK_URLS": "ftp://signals.example", "WEBHOOK_SECRET": "s"}, "needs an address like"),
        ({"WEBHOOK_URLS": "https://a.example:99999", "WEBHOOK_SECRET": "s"}, "needs an address like"),
        ({"WEBHOOK_URLS": "https://a.example,https://a.example", "WEBHOOK_SECRET": "s"}, "twice"),
        ({"WEBHOOKS__KEEP_DAYS": "1", "WEBHOOKS__MAX_AGE_HOURS": "48"}, "keep_days must not be shorter"),
    ],
)
def test_others_stop_the_start_with_a_line_that_says_why(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_settings(environment=environment)
    assert "\n" not in refused.value.message
    assert "pass@" not in refused.value.message


def test_a_secret_in_a_file_stops_the_start(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("webhooks: {secret: of the tests}\n")
    with pytest.raises(ConfigurationError, match=r"webhooks\.secret is a secret: set it in the environment"):
        load_settings(environment={"CONFIG_FILE": str(own)})
