"""What a client would like to be answered, by its headers `Accept` and `Accept-Encoding` (RFC 9110, 12.5)."""

from __future__ import annotations

HTML = "text/html"
JSON = "application/json"


def prefers_html(accept: str) -> bool:
    """Return whether a client would rather have a page than JSON, as browsers would; equal wishes mean JSON."""
    return quality_of(HTML, accept) > quality_of(JSON, accept)


def quality_of(offered: str, accepted: str) -> float:
    """Return how much a client wants a form of an answer, from 0 to 1.

    Args:
        offered: A media type or a coding, such as `text/html` or `gzip`.
        accepted: The header; the most exact range in it that covers the form decides, and what is not covered is 0.
    """
    ranges = [offered, "*/*" if "/" in offered else "*"]
    if "/" in offered:
        ranges.insert(1, f"{offered.partition('/')[0]}/*")
    wishes = dict(_wish(part) for part in accepted.split(","))
    return next((wishes[name] for name in ranges if name in wishes), 0.0)


def _wish(part: str) -> tuple[str, float]:
    name, *parameters = (text.strip().lower() for text in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _weight(value.strip())
    return name, 1.0


def _weight(text: str) -> float:
    """Return a weight; one that is no number from 0 to 1 is 0."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
