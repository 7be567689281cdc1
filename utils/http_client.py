"""HTTP clients of the service's own requests, with the proxies and certificates that the environment names."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Any

import httpx2

from domain.errors import ConfigurationError


def http_client(**options: Any) -> httpx2.AsyncClient:
    """Return a client; its options are those of `httpx2.AsyncClient`.

    Raises:
        ConfigurationError: a proxy or the certificates of the environment cannot be used.
    """
    try:
        certificates = _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return httpx2.AsyncClient(verify=certificates, **options)
    except ImportError:
        why = "ALL_PROXY, HTTP_PROXY or HTTPS_PROXY: SOCKS needs the package socksio: install it, or name an HTTP proxy"
    except (ValueError, httpx2.InvalidURL):
        why = "ALL_PROXY, HTTP_PROXY or HTTPS_PROXY: needs a proxy such as http://host:3128"
    except OSError as error:
        why = f"SSL_CERT_FILE or SSL_CERT_DIR: the certificates cannot be read: {error.strerror}"
    raise ConfigurationError(why)


@lru_cache(maxsize=1)
def _certificates(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return what the environment names, read once: it takes 50 ms."""
    return httpx2.create_ssl_context()
