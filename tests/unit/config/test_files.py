"""Files that a person names: bounded when they are read, whole or as before when they are written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.files import read_at_most, whole_file
from domain.errors import InvalidRequest

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]


def test_what_is_larger_or_has_no_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    assert read_at_most(file, 4) == b"1234"
    for endless, most in ((file, 3), (Path("/dev/zero"), 1_000)):
        with pytest.raises(OSError, match=f"it has more than {most:,} bytes"):
            read_at_most(endless, most)


def test_a_full_disk_leaves_the_earlier_file_and_nothing_else(small_disk: SmallDisk) -> None:
    file = small_disk.folder / "file"
    file.write_text("before")
    with small_disk.full():
        with pytest.raises(InvalidRequest, match=r"file cannot be written: No space left"), whole_file(file) as part:
            part.write_bytes(b"x" * 100_000)
        assert file.read_text() == "before"
        assert {path.name for path in small_disk.folder.iterdir()} == {"file", "filler"}


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o600)
    with whole_file(file) as part:
        part.write_text("after")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("after", 0o600)


def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)
    with whole_file(link) as part:
        part.write_text("through the link")
    assert (link.is_symlink(), file.read_text()) == (True, "through the link")
    reader, writer = os.pipe()
    with whole_file(Path(f"/dev/fd/{writer}")) as part:
        part.write_text("through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    os.close(writer)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="Is a directory"), whole_file(tmp_path) as part:
        part.write_text("no")
