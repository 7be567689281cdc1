"""HTTP clients with the proxies and certificates of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from utils.http_client import http_client


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "SOCKS needs the package socksio"),
        ("HTTPS_PROXY", "foo://host", "needs a proxy such as http://host:3128"),
        ("HTTP_PROXY", "http://host:port", "needs a proxy such as http://host:3128"),
        ("SSL_CERT_FILE", "/nowhere.pem", "the certificates cannot be read: No such file"),
        ("SSL_CERT_FILE", str(Path(__file__)), "the certificates cannot be read: "),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=line) as caught:
        http_client()
    assert name in caught.value.message
