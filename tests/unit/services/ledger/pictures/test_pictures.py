"""Pictures of the records: XML without scripts, the same in words, nothing outside of the frame."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from domain.ledger.entries import LedgerLane
from services.ledger.pictures.calibration import MAX_PANELS, calibration_picture
from services.ledger.pictures.svg import ACCENT, INK, picture, text
from services.ledger.pictures.track_record import MAX_ROWS, track_record_picture
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.scores import LedgerScores
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.settled import DAY_BEGIN_MS, HOUR_MS, keep, settled

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2021, 2, 10, 12, tzinfo=UTC)


async def kept_scores(symbols: int = 2) -> LedgerScores:
    """Return scores of two lanes: of each hour, three of four calls right."""
    ledger = MemoryLedger()
    records = [
        settled(
            0.01 if hour % 4 else -0.01,
            (1,),
            lane=lane,
            symbol=f"MARKET{market}",
            probability_up=0.4 + hour % 4 / 10 if lane is LedgerLane.MODEL else None,
            closed_ms=DAY_BEGIN_MS + hour * HOUR_MS,
            known_ms=DAY_BEGIN_MS + hour * HOUR_MS,
        )
        for lane in (LedgerLane.RULES, LedgerLane.MODEL)
        for market in range(symbols)
        for hour in range(80)
    ]
    await keep(ledger, records)
    return LedgerScores(ledger, SettableClock(NOW))


def parsed(svg: str) -> ElementTree.Element:
    """Return the root of a picture, checked: no script, no style, no link, all of it within the frame."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for node in root.iter():
        assert node.tag.removeprefix(SVG) in {"svg", "title", "desc", "text", "line", "circle"}
        assert not any(name.startswith("on") or "href" in name for name in node.attrib)
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(node.attrib.get(name, 0)) <= width
        for name in ("y", "y1", "y2", "cy"):
            assert 0 <= float(node.attrib.get(name, 0)) <= height
    return root


async def test_the_track_record_has_a_row_for_each_record_and_says_the_same_in_words() -> None:
    scores = await kept_scores()
    root = parsed(track_record_picture(await scores.track_record(RecordQuery(60)), 60))
    assert root.attrib["role"] == "img"
    labelled = root.attrib["aria-labelledby"].split()
    assert {node.attrib["id"] for node in root if node.tag in {f"{SVG}title", f"{SVG}desc"}} == set(labelled)
    words = root.findtext(f"{SVG}desc") or ""
    assert "rules 1h, 1 candle: right in 75.0% of 160 calls (" in words
    assert "base rate 75.0%, none" in words
    assert len(root.findall(f"{SVG}circle")) == 2
    shown = [node.text for node in root.findall(f"{SVG}text")]
    assert any(text and text.startswith("160 calls, 79 independent: none") for text in shown)


async def test_the_calibration_has_a_point_with_its_count_for_each_range() -> None:
    scores = await kept_scores()
    root = parsed(calibration_picture(await scores.calibration(RecordQuery(60)), 60))
    assert len(root.findall(f"{SVG}circle")) == 4
    words = root.findtext(f"{SVG}desc") or ""
    assert words.startswith("model 1h: next candle rises: stated 40%, occurred 0% of 40 (0% to ")
    assert [node.text for node in root.findall(f"{SVG}text")].count("40") == 4


async def test_without_calls_the_pictures_say_so() -> None:
    empty = LedgerScores(MemoryLedger(), SettableClock(NOW))
    assert "No settled calls yet." in track_record_picture(await empty.track_record(RecordQuery(30)), 30)
    assert "no stated probability" in calibration_picture(await empty.calibration(RecordQuery(30)), 30)
    parsed(track_record_picture([], 30))
    parsed(calibration_picture({}, 30))


async def test_many_records_are_cut_to_those_with_the_most_calls() -> None:
    scores = await kept_scores(symbols=40)
    found = await scores.track_record(RecordQuery(60, Grouping.SYMBOL))
    assert len(found) == 80
    assert len(parsed(track_record_picture(found, 60)).findall(f"{SVG}circle")) == MAX_ROWS
    bins = await scores.calibration(RecordQuery(60))
    assert len(bins) <= MAX_PANELS


@pytest.mark.parametrize("color", [INK, ACCENT])
@pytest.mark.parametrize("background", ["#ffffff", "#0d1117"])
def test_ink_and_points_can_be_told_from_a_light_and_from_a_dark_page(color: str, background: str) -> None:
    """Contrast of 3 at least, as WCAG 2 wants of graphics; of letters, of 4."""
    lighter, darker = sorted((_luminance(color), _luminance(background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= (4.0 if color == INK else 3.0)


def _luminance(color: str) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    shares = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", color)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_no_letter_is_escaped() -> None:
    svg = picture(10, 10, "<a>", "\"b\" & 'c'", [text(1, 1, "<script>alert(1)</script>")])
    assert "<script" not in svg
    parsed(svg)
