"""Check that a webhook comes from the service."""

from __future__ import annotations

import hashlib
import hmac

_SCHEME = "sha256="


def verify_signature(secret: str, body: bytes, header: str | None) -> bool:
    """Return whether the header `X-Signature` is the service's signature of a body.

    It takes as long for a wrong signature as for a right one.

    Args:
        secret: WEBHOOK_SECRET of the service.
        body: The bytes of the request's body as they were received, before they are read as JSON.
        header: The value of `X-Signature`; None without one.
    """
    expected = _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), (header or "").strip().encode())
