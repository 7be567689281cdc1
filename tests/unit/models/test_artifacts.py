"""A version on the disk: whole or not there, and refused when it is not what was written."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from domain.errors import InvalidRequest, ModelCorrupt, ModelNotFound
from domain.forecasting import ModelType
from models.registry.artifacts import MAX_FILE_BYTES, MAX_METADATA_BYTES
from models.registry.registry import Registry
from tests.fixtures.models import add_model, files_of, make_metadata

pytest_plugins = ["tests.fixtures.registry"]
ROOT = Path(__file__).resolve().parents[3]

WRITER = """
import sys
from pathlib import Path
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry

def write(folder):
    for name in ("model.onnx", "scaler.json", "a.npz", "b.npz", "c.npz"):
        (folder / name).write_bytes(bytes(200_000))

registry, metadata = Registry(Path(sys.argv[1])), ModelMetadata.model_validate_json(sys.argv[2])
while True:
    registry.add(metadata, write)
    print("written", flush=True)
"""


def test_a_version_holds_what_was_written(registry: Registry) -> None:
    metadata = add_model(registry)
    folder = registry.root / "lstm_model_20260131_120000"
    assert {path.name for path in folder.iterdir()} == {
        "metadata.json",
        "metadata.json.sha256",
        "model.keras",
        "model.onnx",
        "scaler.json",
    }
    assert (
        subprocess.run(["sha256sum", "--check", "--quiet", "metadata.json.sha256"], cwd=folder, check=False).returncode
        == 0
    )
    stored = registry.open(metadata.version)
    assert stored.metadata == metadata
    assert set(metadata.files) == {"model.keras", "model.onnx", "scaler.json"}
    assert stored.read("model.keras") == b"the native file"
    stored.verify()


def test_versions_of_one_second_are_told_apart(registry: Registry) -> None:
    names = [add_model(registry).version for _ in range(3)]
    assert names == [f"lstm_model_20260131_120000{suffix}" for suffix in ("", "_2", "_3")]
    assert [registry.open(name).metadata.version for name in names] == names


def test_what_could_not_serve_is_not_registered(registry: Registry) -> None:
    def forget_the_scaler(folder: Path) -> None:
        files_of(metadata)(folder)
        (folder / "scaler.json").unlink()

    def leave_a_link(folder: Path) -> None:
        files_of(metadata)(folder)
        (folder / "link.npz").symlink_to("/etc/passwd")

    def leave_a_folder(folder: Path) -> None:
        files_of(metadata)(folder)
        (folder / "extra").mkdir()

    metadata = make_metadata()
    for write, problem in (
        (forget_the_scaler, r"needs scaler\.json"),
        (leave_a_link, "link.npz is not a plain file"),
        (leave_a_folder, "extra is not a plain file"),
    ):
        with pytest.raises(ValueError, match=problem):
            registry.add(metadata, write)
    assert os.listdir(registry.root) == [".lock"]


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def link_elsewhere(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def replace_by_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replace_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES = [
    (flip_a_byte, "its SHA-256 differs"),
    (lambda file: os.truncate(file, file.stat().st_size - 1), "its SHA-256 differs"),
    (lambda file: os.truncate(file, 0), "its SHA-256 differs"),
    (lambda file: os.truncate(file, MAX_FILE_BYTES + 1), "more than the"),
    (lambda file: file.unlink(), "is missing"),
    (link_elsewhere, "cannot be read"),
    (replace_by_a_pipe, "is not a plain file"),
    (replace_by_a_folder, "is not a plain file"),
]


@pytest.mark.parametrize("name", ["model.onnx", "scaler.json", "model.keras"])
@pytest.mark.parametrize(("damage", "problem"), DAMAGES)
def test_a_damaged_file_is_refused_by_name(
    registry: Registry, damage: Callable[[Path], object], problem: str, name: str
) -> None:
    version = add_model(registry).version
    damage(registry.root / version / name)
    with pytest.raises(ModelCorrupt, match=problem) as refused:
        registry.open(version).verify()
    assert version in refused.value.message
    assert name in refused.value.message


@pytest.mark.parametrize("name", ["metadata.json", "metadata.json.sha256"])
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (flip_a_byte, "is not the file that was written"),
        (lambda file: os.truncate(file, file.stat().st_size - 1), "is not the file that was written"),
        (lambda file: os.truncate(file, 0), "is not the file that was written"),
        (lambda file: os.truncate(file, MAX_METADATA_BYTES + 1), "more than the"),
        (lambda file: file.unlink(), "is missing"),
        (link_elsewhere, "cannot be read"),
        (replace_by_a_pipe, "is not a plain file"),
    ],
)
def test_damaged_metadata_are_refused(
    registry: Registry, damage: Callable[[Path], object], problem: str, name: str
) -> None:
    version = add_model(registry).version
    damage(registry.root / version / name)
    with pytest.raises(ModelCorrupt, match=problem) as refused:
        registry.open(version)
    assert version in refused.value.message
    assert name in refused.value.message


def edit(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def edited(content: bytes) -> bytes:
        values = json.loads(content)
        change(values)
        return json.dumps(values).encode()

    return edited


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: b"", "is unusable"),
        (lambda content: b"\xff\xfe", "is unusable"),
        (lambda content: b"[" * 100_000, "is unusable"),
        (edit(lambda values: values.pop("graph")), "is unusable"),
        (edit(lambda values: values.update(surprise=1)), "is unusable: surprise"),
        (edit(lambda values: values.update(files={"../../secret": "0" * 64})), "is unusable: files"),
        (edit(lambda values: values.update(version="lstm_model_20250101_000000")), "belongs to lstm_model_2025"),
    ],
)
def test_metadata_that_were_sealed_are_not_believed_either(
    registry: Registry, change: Callable[[bytes], bytes], problem: str
) -> None:
    version = add_model(registry).version
    folder = registry.root / version
    content = change((folder / "metadata.json").read_bytes())
    (folder / "metadata.json").write_bytes(content)
    (folder / "metadata.json.sha256").write_text(f"{sha256(content).hexdigest()}  metadata.json\n")
    with pytest.raises(ModelCorrupt, match=problem) as refused:
        registry.open(version)
    assert version in refused.value.message


def test_a_file_that_is_not_listed_is_not_read(registry: Registry) -> None:
    stored = registry.open(add_model(registry).version)
    (stored.folder / "other.npz").write_bytes(b"")
    with pytest.raises(ModelCorrupt, match="lists no"):
        stored.read("other.npz")


def test_nothing_outside_the_registry_is_opened(registry: Registry, tmp_path: Path) -> None:
    outside = Registry(tmp_path / "outside")
    version = add_model(outside).version
    registry.root.mkdir()
    (registry.root / version).symlink_to(outside.root / version)
    with pytest.raises(ModelCorrupt, match="cannot be read"):
        registry.open(version)
    with pytest.raises(InvalidRequest):
        registry.open(f"../outside/{version}")
    with pytest.raises(ModelNotFound, match="there is no version gru_model"):
        registry.open("gru_model_20260131_120000")


def test_the_folder_of_all_models_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "models").symlink_to(tmp_path / "volume")
    registry = Registry(tmp_path / "models")
    version = add_model(registry).version
    registry.nominate(version)
    registry.open(version).verify()
    assert registry.aliases().of("BTCUSDT", registry.open(version).metadata.timeframe).candidate == version


def test_a_writer_that_is_killed_leaves_nothing_half_written(registry: Registry) -> None:
    rng = random.Random(4)  # noqa: S311 (when to kill)
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(registry.root), make_metadata().model_dump_json()]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"written\n"
            time.sleep(rng.uniform(0.0, 0.2))
            writer.kill()
        listing = registry.versions()
        assert listing.unusable == {}
        for metadata in listing.models:
            assert len(metadata.files) == 5
            registry.open(metadata.version).verify()
    # The lock went with the process that held it, and the next writer clears up.
    add_model(registry, ModelType.GRU)
    assert list(registry.root.glob(".unfinished_*")) == []
    assert len(registry.versions().models) > 1
