"""Parts that tell other replicas of what they change, and look when they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from container.infrastructure import Infrastructure
from services.guards.guards import Guards, open_guards
from services.health.model_watch import ModelWatch
from services.ledger.calibration.live import LiveCalibration
from services.replicas.hints import Hint, Hints


def open_shared_guards(base: Infrastructure) -> AbstractAsyncContextManager[Guards]:
    """Open the guards, which tell of switches, of safe mode and of lanes, and of the sides that are given."""
    settings, hints = base.settings, base.replicas.hints
    return open_guards(
        base.stores.documents,
        base.hub,
        base.clock,
        settings.guards,
        settings.analysis.min_candles,
        announce_switch=partial(hints.tell, Hint.SAFE_MODE),
        announce_disabled=partial(hints.tell, Hint.DISABLED),
        announce_side=partial(hints.tell, Hint.GIVEN_SIDE),
    )


def announce_models(hints: Hints) -> Callable[[], object]:
    """Return what tells of another version in production; operators change it off the event loop."""
    return partial(asyncio.get_running_loop().call_soon_threadsafe, hints.tell, Hint.MODELS)


def follow_hints(hints: Hints, watch: ModelWatch, guards: Guards, calibration: LiveCalibration) -> None:
    """Look at once when other replicas tell of something."""
    hints.when(Hint.MODELS, lambda _: watch.look_soon())
    hints.when(Hint.SAFE_MODE, lambda _: guards.safe_mode.look_soon())
    hints.when(Hint.DISABLED, lambda _: guards.disabled.look_soon())
    hints.when(Hint.GIVEN_SIDE, guards.look_at)
    hints.when(Hint.EVIDENCE, lambda _: calibration.look_soon())
