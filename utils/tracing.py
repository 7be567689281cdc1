"""Spans around the steps of requests, jobs and the loop; while traces are off, a step costs a look-up.

Nothing here imports OpenTelemetry: `utils/trace_export.py` does, once a receiver of traces is configured. Who is traced
is a matter of the context: requests, and tasks that were started with a tracer, have one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
# Steps whose end somebody waits for; those of writes that an outage keeps longer are forgotten.
MAX_ORIGINS = 1_000


class TracedStep:
    """A step of some work; without a span it takes notes to nowhere."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def note(self, **attributes: str | int | float | bool) -> None:
        """Add what is known of the step by now."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def fail(self, reason: str) -> None:
        """Mark the step as failed; `reason` is a word, and never what a client or a server has sent."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", reason)
            self._span.set_status(StatusCode.ERROR)


_UNTRACED = nullcontext(TracedStep(None))


def trace_by(tracer: Tracer | None) -> None:
    """Trace the steps of this context, and of the tasks that it starts from now on; None ends it."""
    _tracer.set(tracer)


def span(name: str, **attributes: str | int | float | bool) -> AbstractContextManager[TracedStep]:
    """Trace a step, a child of the one that it is a part of.

    Args:
        name: Of the kind of step.
        attributes: What the step is about; never a secret, and nothing that a person wrote.
    """
    tracer = _tracer.get()
    return _UNTRACED if tracer is None else _traced(tracer, name, attributes)


@contextmanager
def _traced(
    tracer: Tracer, name: str, attributes: dict[str, str | int | float | bool], parent: Context | None = None
) -> Iterator[TracedStep]:
    # Messages of errors may have words of others in them: the name of its class is enough.
    with tracer.start_as_current_span(
        name, parent, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as started:
        step = TracedStep(started)
        try:
            yield step
        except Exception as error:
            step.fail(type(error).__name__)
            raise


class Origins:
    """Steps that left work behind, by its key, so that the work is a part of their traces when it is done."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_key: dict[Hashable, tuple[Tracer, Context]] = {}

    def note(self, key: Hashable) -> None:
        """Remember the step that is under way, if one is traced, as the origin of some work."""
        tracer = _tracer.get()
        if tracer is None:
            return
        from opentelemetry.context import get_current
        from opentelemetry.trace import get_current_span

        self._by_key.pop(key, None)
        if get_current_span().is_recording():
            self._by_key[key] = tracer, get_current()
        if len(self._by_key) > MAX_ORIGINS:
            del self._by_key[next(iter(self._by_key))]

    @contextmanager
    def span(self, name: str, keys: Iterable[Hashable], **attributes: str | int | float | bool) -> Iterator[None]:
        """Trace the work on some keys at once: one span in the trace of each origin, which it then forgets.

        Work that fails is traced as failed, and its origins wait for the next attempt.
        """
        if not self._by_key:
            yield
            return
        found = {key: self._by_key[key] for key in keys if key in self._by_key}
        with ExitStack() as stack:
            for tracer, context in found.values():
                stack.enter_context(_traced(tracer, name, attributes, context))
            yield
        for key, origin in found.items():
            if self._by_key.get(key) is origin:
                del self._by_key[key]
