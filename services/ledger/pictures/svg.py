"""Parts of an SVG picture, as text.

Colors are middle tones, which have enough contrast on a white and on a dark page, and stand in attributes: the content
security policy of the service refuses a style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

# Contrast of 4.5 on white and on black.
INK = "#767676"
FAINT = "#9a9a9a"
ACCENT = "#2a7fd4"

Anchor = Literal["start", "middle", "end"]


def element(tag: str, content: str = "", **attributes: str | float) -> str:
    """Return an element; `_` in names of attributes is a hyphen, and numbers have two digits.

    Args:
        tag: Its name.
        content: Already escaped.
        attributes: Escaped here.
    """
    given = "".join(
        f" {name.replace('_', '-')}={quoteattr(value if isinstance(value, str) else f'{value:.2f}')}"
        for name, value in attributes.items()
    )
    return f"<{tag}{given}>{content}</{tag}>" if content else f"<{tag}{given}/>"


def text(x: float, y: float, words: str, anchor: Anchor = "start", size: float = 12) -> str:
    """Return a line of text whose baseline is at y."""
    return element("text", escape(words), x=x, y=y, fill=INK, font_size=size, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, color: str = FAINT, width: float = 1) -> str:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=color, stroke_width=width)


def dot(x: float, y: float, radius: float = 4) -> str:
    """Return a filled circle."""
    return element("circle", cx=x, cy=y, r=radius, fill=ACCENT)


def picture(width: float, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """Return the document; screen readers read title and description."""
    words = element("title", escape(title), id="title") + element("desc", escape(description), id="words")
    return element(
        "svg",
        words + "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_labelledby="title words",
        font_family="system-ui, sans-serif",
    )
