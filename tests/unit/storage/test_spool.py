"""The spool: torn lines, full disks, other processes; texts are read in the order of appending, or counted as lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.resilience.spool import Spool, SpoolFull

MAX_BYTES = 1_000_000
HOLD = """
import sys, time
from pathlib import Path
from storage.resilience.spool import Spool
spool = Spool(Path(sys.argv[1]), "jobs", 1_000_000)
spool.open()
spool.append([f"{sys.argv[2]} {number}" for number in range(3)])
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Spool]:
    def build(max_bytes: int = MAX_BYTES, name: str = "jobs") -> Spool:
        spool = Spool(tmp_path / "spool", name, max_bytes)
        spool.open()
        return spool

    return build


def read_all(spool: Spool, at_once: int = 100) -> list[str]:
    found = []
    while len(spool):
        batch = spool.oldest(at_once)
        found += batch.texts
        spool.done(batch)
    return found


def only_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "spool").iterdir()
    return path


def test_a_folder_that_is_removed_under_it_is_made_again(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.append(["before"])
    shutil.rmtree(tmp_path / "spool")
    spool.append(["after"])
    heir = tmp_path / "copy"
    shutil.copytree(tmp_path / "spool", heir)
    assert read_all(spool) == ["before", "after"]
    survivor = Spool(heir, "jobs", MAX_BYTES)
    survivor.open()
    assert read_all(survivor) == ["after"]  # as after a kill


def test_texts_come_back_in_order_and_nothing_is_left(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.append([f"text {number}" for number in range(5)])
    spool.append(["last"])
    assert len(spool) == 6
    assert read_all(spool, at_once=2) == [*(f"text {number}" for number in range(5)), "last"]
    assert list((tmp_path / "spool").iterdir()) == []
    spool.append(["again"])
    assert read_all(spool) == ["again"]


def test_texts_are_read_again_until_they_are_done(make: Callable[..., Spool]) -> None:
    spool = make()
    spool.append(["a", "b"])
    assert spool.oldest(1).texts == spool.oldest(1).texts == ["a"]
    spool.append(["c"])
    assert read_all(spool) == ["a", "b", "c"]


@given(texts=st.lists(st.text(st.characters(exclude_characters="\n")), max_size=20), at_once=st.integers(1, 7))
def test_any_text_of_one_line_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], at_once: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    first = Spool(folder, "x", MAX_BYTES)
    first.open()
    for text in texts:
        first.append([text])
    first.close()
    second = Spool(folder, "x", MAX_BYTES)
    second.open()
    assert read_all(second, at_once) == texts
    second.close()


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_torn_last_line_is_left_out(make: Callable[..., Spool], tmp_path: Path, cut: int) -> None:
    first = make()
    first.append(["whole", "torn in the middle"])
    first.close()
    path = only_file(tmp_path)
    os.truncate(path, path.stat().st_size - cut)
    second = make()
    assert (len(second), read_all(second)) == (1, ["whole"])
    assert not path.exists()


def test_damaged_line_is_counted_and_the_others_are_read(make: Callable[..., Spool], tmp_path: Path) -> None:
    first = make()
    first.append(["one", "two", "three"])
    first.close()
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"two", b"tww"))
    second = make()
    batch = second.oldest(10)
    assert (batch.texts, batch.damaged, batch.lines) == (["one", "three"], 1, 3)
    content, kept = path.read_bytes(), second.keep_oldest()
    second.done(batch)
    assert (only_file(tmp_path), kept.read_bytes()) == (kept, content)
    assert len(make()) == 0


def test_texts_beyond_the_size_limit_are_refused_whole(make: Callable[..., Spool]) -> None:
    spool = make(max_bytes=100)
    spool.append(["x" * 50])
    with pytest.raises(SpoolFull, match="60 of at most 100 bytes"):
        spool.append(["a", "y" * 50])
    assert read_all(spool) == ["x" * 50]
    spool.append(["y" * 50])


def test_disk_that_is_full_leaves_no_half_line(make: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch) -> None:
    spool = make()
    spool.append(["whole"])
    real, calls = os.pwrite, []

    def full(descriptor: int, content: memoryview, offset: int) -> int:
        calls.append(offset)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(content[:10]), offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        spool.append(["another text that does not fit"])
    monkeypatch.undo()
    spool.append(["after"])
    assert read_all(spool) == ["whole", "after"]


def test_two_processes_keep_to_their_own_files_and_the_next_takes_over_both(
    make: Callable[..., Spool], tmp_path: Path
) -> None:
    folder = str(tmp_path / "spool")
    owners = [
        subprocess.Popen([sys.executable, "-c", HOLD, folder, name], stdout=subprocess.PIPE) for name in ("a", "b")
    ]
    for owner in owners:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
    beside = make()
    assert len(beside) == 0  # both are alive
    beside.append(["beside"])
    for owner in owners:
        owner.kill()
        owner.wait()
        assert owner.stdout is not None
        owner.stdout.close()
    after = make()
    found = read_all(after)
    assert [text for text in found if text.startswith("a")] == ["a 0", "a 1", "a 2"]
    assert [text for text in found if text.startswith("b ")] == ["b 0", "b 1", "b 2"]
    assert len(found) == 6
    assert read_all(beside) == ["beside"]


def test_files_of_another_database_are_left_alone(make: Callable[..., Spool]) -> None:
    first = make(name="documents-aaa")
    first.append(["of a"])
    first.close()
    assert len(make(name="documents-bbb")) == 0
    assert read_all(make(name="documents-aaa")) == ["of a"]


def test_texts_of_an_earlier_process_come_first(make: Callable[..., Spool]) -> None:
    first = make()
    first.append(["left"])
    first.close()
    second = make()
    second.append(["new"])
    assert second.adopted
    batch = second.oldest(10)
    assert batch.texts == ["left"]
    second.done(batch)
    assert not second.adopted
    assert read_all(second) == ["new"]
