"""The pages of the documentation: links, pictures and paths that exist, and no page that a reader cannot find."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
FENCED = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
PATH = re.compile(r"`((\w+)/[\w./-]+)`")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
LINKED_TEXT = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
# Written by the service, and fetched by `make setup`.
NOT_IN_A_CLONE = ("data/", "api/web/vendor/")
ELSEWHERE = ("https://", "http://", "mailto:")


def markdown_files() -> list[Path]:
    """Return the Markdown files of the repository; not those of installed packages and of data."""
    folders = (ROOT, *(ROOT / name for name in (".github", "clients", "docs", "examples", "tests")))
    found = {path for folder in folders for path in folder.glob("*.md" if folder == ROOT else "**/*.md")}
    return sorted(path for path in found if "node_modules" not in path.parts)


@cache
def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the links within the repository: the file, and the anchor or an empty string."""
    targets = (target for target in LINK.findall(INLINE_CODE.sub("", prose(page))) if not target.startswith(ELSEWHERE))
    split = (target.partition("#") for target in targets)
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in split]


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, by the rules of GitHub: `Two ways, one end` is `two-ways-one-end`."""
    seen: Counter[str] = Counter()
    found: set[str] = set()
    for heading in HEADING.findall(prose(page)):
        words = LINKED_TEXT.sub(r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def problem(page: Path, target: Path, anchor: str) -> str | None:
    """Return what is wrong with a link, or None."""
    shown = f"{page.relative_to(ROOT)}: {target.relative_to(ROOT) if target.is_relative_to(ROOT) else target}"
    if not target.exists():
        return f"{shown} does not exist"
    if anchor and anchor not in anchors(target):
        return f"{shown} has no heading #{anchor}"
    return None


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_pictures_and_headings_that_exist(page: Path) -> None:
    problems = [problem(page, target, anchor) for target, anchor in links(page)]

    assert [found for found in problems if found is not None] == []


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_of_code_exist(page: Path) -> None:
    named = [path for path, folder in PATH.findall(prose(page)) if (ROOT / folder).is_dir()]

    assert [path for path in named if not (path.startswith(NOT_IN_A_CLONE) or (ROOT / path).exists())] == []


def test_readme_leads_to_every_page() -> None:
    linked = {target for target, _ in links(ROOT / "README.md")}

    assert sorted(page.name for page in (ROOT / "docs").glob("*.md") if page not in linked) == []


def test_a_page_shows_or_links_every_picture() -> None:
    shown = {target for page in markdown_files() for target, _ in links(page)}

    assert sorted(picture.name for picture in (ROOT / "docs").glob("**/*.png") if picture not in shown) == []


def test_index_of_decisions_has_each_with_its_title() -> None:
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|", (DECISIONS / "README.md").read_text(), re.MULTILINE)

    assert {file: f"# {number}. {title}" for number, title, file in rows} == {
        page.name: page.read_text().partition("\n")[0] for page in DECISIONS.glob("[0-9]*.md")
    }
