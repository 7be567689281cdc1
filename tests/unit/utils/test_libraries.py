"""What is installed where: libraries for training, the files of requirements, and what is said of a lack."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from domain.errors import LibraryMissing
from domain.job_kinds import TRAITS
from utils.libraries import TRAINING, lack_of, require

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


# The files of pins; each of their lines is a pin, with the hashes of what may be installed for it.
LOCKS = sorted(file.name for file in ROOT.glob("requirements*.txt"))
PIN = re.compile(r"(?P<pin>[a-z0-9-]+==[^ ]+(?: ; [^\\]+)?)(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)")


def lines(name: str) -> list[str]:
    """Return the lines of a file of pins, continued ones as one."""
    return re.sub(r" \\\n +", " ", (ROOT / name).read_text()).splitlines()


def pins(name: str) -> set[str]:
    return {found["pin"] for line in lines(name) if (found := PIN.fullmatch(line))}


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_installed_that_is_not_pinned_with_a_hash(name: str) -> None:
    assert [line for line in lines(name) if not PIN.fullmatch(line)] == []
    assert len(pins(name)) > 10


def test_what_shows_the_queues_has_the_versions_of_the_whole() -> None:
    whole, queues = (
        dict(pin.split(" ")[0].split("==") for pin in pins(name))
        for name in ("requirements.txt", "requirements-flower.txt")
    )
    assert {name: version for name, version in queues.items() if whole.get(name, version) != version} == {}


def test_what_serves_is_a_part_of_the_whole_with_the_same_pins() -> None:
    assert pins("requirements-serve.txt") < pins("requirements.txt")


def test_what_serves_has_nothing_that_only_trains() -> None:
    training = distributions(PROJECT["optional-dependencies"]["train"])
    serving = {pin.split("==")[0] for pin in pins("requirements-serve.txt")}
    assert training & serving == set()
    assert distributions(PROJECT["dependencies"]) <= {re.sub(r"\[.*", "", name) for name in serving}


def test_the_modules_are_those_of_the_distributions_that_train() -> None:
    training = distributions(PROJECT["optional-dependencies"]["train"])
    installed = {
        module for module, names in packages_distributions().items() if training & {name.lower() for name in names}
    }
    # the wheel of TensorFlow names no modules
    assert installed | {"tensorflow"} >= TRAINING
    assert {library for traits in TRAITS.values() for library in traits.libraries} <= TRAINING


def test_installed_libraries_pass_and_a_lack_says_how_to_get_them() -> None:
    require("a job", ["json", "optuna"])
    with pytest.raises(LibraryMissing) as refused:
        require("a job of the kind train", ["json", "no_such_library"])
    assert refused.value.message.startswith("a job of the kind train needs no_such_library, which")
    assert "requirements.txt" in refused.value.message


def test_an_import_that_no_installation_would_mend_is_not_explained_by_one() -> None:
    assert lack_of(ModuleNotFoundError(name="models.no_such_file"), "this command") is None
    message = lack_of(ModuleNotFoundError(name="keras.layers"), "this command")
    assert message is not None
    assert message.startswith("this command needs keras, which")
