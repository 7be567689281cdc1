"""Files of a page in a folder: which names lead to one, and that a change on disk is served."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.page_files import PAGE, STAND_INS, WEB_FOLDER, PageFiles

SCRIPT = b"export const answer = 42;\n" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a page, and a secret beside it that is no part of it."""
    (tmp_path / "secret.js").write_text("secret")
    web = tmp_path / "web"
    for name in ("core", "plain"):
        (web / name).mkdir(parents=True)
    (web / PAGE).write_bytes(b"<!doctype html>page")
    (web / "core" / "app.js").write_bytes(SCRIPT)
    (web / "notes.md").write_text("of no type that is served")
    (web / "vendor").mkdir()
    return web


@pytest.mark.parametrize("library", sorted(STAND_INS))
def test_a_library_that_is_not_installed_has_a_stand_in_until_it_is(folder: Path, library: str) -> None:
    files = PageFiles(folder)
    assert files.find(library) is None
    (folder / STAND_INS[library]).write_text("stand-in")
    without = files.find(library)
    assert without is not None
    assert (without.content, without.media_type) == (b"stand-in", "text/javascript; charset=utf-8")
    (folder / library).write_text("library")
    found = files.find(library)
    assert found is not None
    assert found.content == b"library"
    assert found.tag != without.tag


def test_the_stand_ins_of_the_page_have_what_it_takes_from_the_libraries() -> None:
    def exported(name: str) -> set[str]:
        text = (WEB_FOLDER / name).read_text()
        listed = re.findall(r"export \{([^}]*)\}", text)
        named = re.findall(r"export (?:const|default) (\w+)", text)
        return {*named, *(name.strip() for names in listed for name in names.split(","))} - {""}

    taken = exported("core/html.js") - {"withoutLibraries"}
    assert {"html", "render", "useState"} <= taken
    assert taken <= exported(STAND_INS["vendor/htm-preact.mjs"])
    # Views ask whether a chart library is there by these two.
    assert exported("plain/no_charts.js") == {"createChart", "null"}


def test_a_folder_without_any_page_has_none(tmp_path: Path) -> None:
    assert PageFiles(tmp_path / "nowhere").page() is None


@pytest.mark.parametrize(
    "name",
    [
        "../secret.js",
        "core/../../secret.js",
        "core/../core/app.js",
        "./core/app.js",
        "core//app.js",
        "/core/app.js",
        "core\\app.js",
        "core/app.js\0",
        "core/app.js/",
        "core",
        "notes.md",
        "",
        "a" * 5_000,
    ],
)
def test_no_other_name_leads_to_a_file(folder: Path, name: str) -> None:
    assert PageFiles(folder).find(name) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.sampled_from(["..", ".", "core", "web", "secret.js", "app.js", "/", "~", "%2e%2e"]), max_size=6)
)
def test_no_way_leads_out_of_the_folder(folder: Path, parts: list[str]) -> None:
    found = PageFiles(folder).find("/".join(parts))
    assert found is None or (parts == ["core", "app.js"] and found.content == SCRIPT)


def test_a_changed_a_new_and_a_removed_file_are_noticed(folder: Path) -> None:
    files, script = PageFiles(folder), folder / "core" / "app.js"
    first = files.find("core/app.js")
    assert first is not None
    assert files.find("core/app.js") is first
    script.write_bytes(SCRIPT[::-1])
    os.utime(script, ns=(1, 1))
    second = files.find("core/app.js")
    assert second is not None
    assert (second.content, second.tag == first.tag) == (SCRIPT[::-1], False)
    (folder / "new.css").write_text("p {}")
    assert files.find("new.css") is not None
    script.unlink()
    assert files.find("core/app.js") is None


def test_the_addresses_in_the_page_change_with_any_file_and_lead_to_the_files_of_that_moment(folder: Path) -> None:
    files, style = PageFiles(folder), folder / "styles.css"
    style.write_text("p {}")
    (folder / PAGE).write_text('<head></head><link href="web/styles.css">')

    def address() -> str:
        page = files.page()
        assert page is not None
        [found] = re.findall('href="web/([^"]+)"', page.content.decode())
        return str(found)

    first = address()
    assert address() == first
    (folder / "new.js").write_text("new")
    second = address()
    assert second != first
    assert files.versioned(first) is None
    style.write_text("p { color: red }")
    held = files.versioned(second)
    assert held is not None
    assert held.content == b"p {}"
    newest = files.versioned(address())
    assert newest is not None
    assert newest.content == b"p { color: red }"


def test_a_file_is_packed_for_those_who_can_unpack_it(folder: Path) -> None:
    found = PageFiles(folder).find("core/app.js")
    assert found is not None
    packed = found.answer(Headers({"accept-encoding": "gzip, br"}))
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(packed.body)) == SCRIPT
    plain = found.answer(Headers({"accept-encoding": "gzip;q=0"}))
    assert "content-encoding" not in plain.headers
    assert bytes(plain.body) == SCRIPT
    assert plain.headers["etag"] == packed.headers["etag"]


@pytest.mark.parametrize("form", ["{tag}", "{strong}", '"other", {tag}', "*"])
def test_a_client_that_has_the_file_is_told_so(folder: Path, form: str) -> None:
    found = PageFiles(folder).find("core/app.js")
    assert found is not None
    held = form.format(tag=found.tag, strong=found.tag.removeprefix("W/"))
    answer = found.answer(Headers({"if-none-match": held}))
    assert (answer.status_code, bytes(answer.body), answer.headers["etag"]) == (304, b"", found.tag)
    assert found.answer(Headers({"if-none-match": '"other"'})).status_code == 200
