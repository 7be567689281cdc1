"""Fixtures every test may use, and the rule that CI skips nothing."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings as hypothesis_settings

from config.settings import Settings
from config.sources import load_settings
from tests.fixtures.clocks import wait_for_next_hour_if_near
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.scheduling import GROUPS, GroupsOfFiles, group_of

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LOOPBACK = ("127.0.0.1", 50_000)
STRANGER = ("203.0.113.9", 50_000)

# Of every service that a test makes; `make_client` gives it to clients on this machine.
ADMIN_TOKEN = "token-of-the-tests"  # noqa: S105

# No test speaks TLS. Without the machine's certificates an HTTP client takes 2 ms of a processor, with them 40.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

# The models that come with the service would answer in every test, and every training would have to beat them: their
# own tests alone switch them on.
os.environ["MODELS__SHIPPED"] = "false"

# A busy machine is no failure. Each run of the suite draws other examples, so few of them are drawn in each.
hypothesis_settings.register_profile("of the suite", deadline=None, max_examples=25)
hypothesis_settings.load_profile("of the suite")

# Files of half a minute and more of a processor, the longest first, after the groups of files; those marked slow and
# all of e2e follow.
LONGEST = (
    "test_openapi_fuzz.py",
    "test_models_commands.py",
    "test_replicas_together.py",
    "test_training_job.py",
    "test_bias_api.py",
    "test_bias_commands.py",
    "test_main_job.py",
)

MakeSettings = Callable[..., Settings]
MakeClient = Callable[..., "TestClient"]


def admin_headers() -> dict[str, str]:
    """Return the header that makes a request the administrator's."""
    return {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two workers a core, eight at most: half of the time a test waits, for a process or for the disk."""
    return min(2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4, 8)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Return what gives files to the workers, unless another way is asked for."""
    return GroupsOfFiles(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the collected tests, which stay: it would look through all of them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI run that skipped anything: a real server or real candles were missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped") and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for the real candles, and begin with the files that would end long after all others."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.realdata)
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def rank(item: pytest.Item) -> int:
        if group := group_of(item.path):
            return GROUPS.index(group) - len(GROUPS)
        if item.path.name in LONGEST:
            return LONGEST.index(item.path.name)
        return len(LONGEST) + (item.path not in slow and item.path.parent.name != "e2e")

    items.sort(key=rank)


@pytest.fixture
def real_data() -> Path:
    """Return the folder of real candles, or skip where it is not there."""
    if not REAL_DATA.is_dir():
        pytest.skip("the folder of real candles, ../shared/data, is not here")
    return REAL_DATA


@pytest.fixture
def hour_with_time_left() -> None:
    """Let a test of the real clock begin where no candle of an hour will close while it runs."""
    wait_for_next_hour_if_near()


def settings_in(folder: Path, sections: dict[str, dict[str, Any]]) -> Settings:
    """Return settings of a service that keeps its files in the folder, without a network or a loop.

    It waits for its store and its candles: a stalled machine is what tests of these limits bring about, and no others.
    """
    base: dict[str, dict[str, Any]] = {
        "server": {"environment": "test"},
        "storage": {
            "url": f"sqlite:///{folder}/store.db",
            "spool_path": f"{folder}/spool",
            "timeout_ms": 1_000 * PATIENCE_SECONDS,
        },
        "models": {"save_path": f"{folder}/models", "shipped": False},
        "periodic": {"enabled": False},
        "market_data": {"sources": ["stored", "synthetic"], "timeout_seconds": PATIENCE_SECONDS},
        "access": {"admin_token": ADMIN_TOKEN},
        # Only its own tests are about signals near a confidence of one half.
        "guards": {"hysteresis": 0},
    }
    for section, values in sections.items():
        base.setdefault(section, {}).update(values)
    return load_settings(environment={}, overrides=base)


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return a function that makes settings for a service of its own, without a network or a loop."""

    def make(**sections: dict[str, Any]) -> Settings:
        return settings_in(tmp_path, sections)

    return make


@contextmanager
def running_apps() -> Iterator[Callable[[Settings, tuple[str, int]], TestClient]]:
    """Give a function that starts an app and returns a client of it; all are stopped at the end."""
    from fastapi.testclient import TestClient  # as the app itself: seconds that tests without a client do without

    from api.app import create_app
    from api.guard.rate_limit import limiter
    from utils.client_warnings import client_warnings

    limiter.reset()
    client_warnings.reset()
    with ExitStack() as started:

        def start(settings: Settings, address: tuple[str, int]) -> TestClient:
            app = create_app(settings)
            client = TestClient(
                app,
                base_url="http://127.0.0.1:8000",
                client=address,
                headers=admin_headers() if address == LOOPBACK else None,
                raise_server_exceptions=False,
            )
            started.enter_context(client)
            trends = app.state.container.answers.trends
            trends._fetch_seconds = trends._model_seconds = PATIENCE_SECONDS  # no setting has these limits
            return client

        yield start


@pytest.fixture
def make_client(make_settings: MakeSettings) -> Iterator[MakeClient]:
    """Return a function that starts the app and gives a client of it; all are stopped at the end.

    A client on this machine is the administrator's, one elsewhere has no token.
    """
    with running_apps() as start:

        def make(address: tuple[str, int] = LOOPBACK, **sections: dict[str, Any]) -> TestClient:
            return start(make_settings(**sections), address)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """Return a client on this machine of a service with default settings."""
    return make_client()


@pytest.fixture(scope="module")
def common_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client as `client`, of one service for all tests of a file, which need nothing that others leave."""
    with running_apps() as start:
        yield start(settings_in(tmp_path_factory.mktemp("common"), {}), LOOPBACK)
