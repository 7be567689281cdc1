"""What follows an answer: metrics, the ledger, guards, receivers of webhooks and sockets."""

from __future__ import annotations

from domain.ledger.entries import Origin
from services.analysis.answer import Answer
from services.broadcast.events import render_signal_event
from services.broadcast.hub import SignalHub
from services.guards.guards import Guards
from services.ledger.recording.recorder import Recorder
from services.webhooks.webhooks import Webhooks
from utils import metrics


class Publication:
    """Notes every answer; broadcasts current ones, but none that only strangers are given."""

    def __init__(self, recorder: Recorder, guards: Guards, webhooks: Webhooks, hub: SignalHub) -> None:
        self._recorder = recorder
        self._guards = guards
        self._webhooks = webhooks
        self._hub = hub

    async def publish(self, answer: Answer, origin: Origin, *, trusted: bool) -> None:
        """Count an answer, write it into the ledger, and broadcast it; a replay is neither counted nor written.

        What a socket has heard also reaches the receivers of webhooks: it is kept for them before it is broadcast.

        Args:
            answer: What is given.
            origin: Why it was asked for.
            trusted: Whether a trusted caller, or the service itself, gets it.
        """
        analysis = answer.analysis
        if analysis.as_of is None:
            metrics.count_analysis(analysis.source, cached=answer.cached)
        self._recorder.record(analysis, origin, trusted=trusted)
        if trusted and answer.current:
            self._guards.remember_answer(analysis)
            await self._webhooks.publish(analysis.symbol, lambda: render_signal_event(analysis))
            self._hub.publish(analysis.symbol, lambda: render_signal_event(analysis))
