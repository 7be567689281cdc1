"""Traces on their way to a receiver, by OpenTelemetry's SDK over OTLP/HTTP; loaded where a receiver is configured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from loguru import logger
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from config.server_settings import TracingSettings
from utils import metrics
from utils.tracing import trace_by
from utils.version import SERVICE_NAME, service_version

MAX_BATCH = 512


class ReportingExporter(SpanExporter):
    """Sends spans, counts them, and logs a receiver that fails once, and again when it is back."""

    def __init__(self, exporter: SpanExporter, receiver: str) -> None:
        """Wrap the exporter of a receiver, named as the log may show it."""
        self._exporter = exporter
        self._receiver = receiver
        self._failing = False
        self._closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; those that fail are lost, and counted."""
        if self._closing and self._failing:  # it is not worth waiting for at the end
            metrics.TRACE_SPANS.labels("failed").inc(len(spans))
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        metrics.TRACE_SPANS.labels("failed" if failed else "sent").inc(len(spans))
        if failed and not self._failing:
            logger.bind(receiver=self._receiver).warning("traces are lost: their receiver does not take them")
        elif self._failing and not failed:
            logger.bind(receiver=self._receiver).info("traces are received again")
        self._failing = failed
        return result

    def hurry(self) -> None:
        """Try a receiver that has failed no more."""
        self._closing = True

    def shutdown(self) -> None:
        """Close the connections."""
        self._exporter.shutdown()


class CountingProcessor(BatchSpanProcessor):
    """Sends spans in batches from a thread of its own, and counts each that ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Let a span that is sampled wait for the next batch; the oldest goes where too many wait."""
        if span.context is not None and span.context.trace_flags.sampled:
            metrics.TRACE_SPANS.labels("ended").inc()
        super().on_end(span)


class Tracing:
    """The provider of tracers of a process, which sends nothing before it is run."""

    def __init__(self, settings: TracingSettings, environment: str) -> None:
        """Make the provider; `environment` names the deployment."""
        self._settings = settings
        # Each lost batch, in its own words; ours are said once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = {
            "service.name": SERVICE_NAME,
            "service.version": service_version(),
            "deployment.environment.name": environment,
        }
        self.provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.sample_share)),
            resource=Resource.create(resource),
            shutdown_on_exit=False,
        )
        self.tracer = self.provider.get_tracer(SERVICE_NAME, service_version())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Trace this context, and the tasks that it starts, until the end; what waits then is sent, if it can be."""
        settings = self._settings
        sender = OTLPSpanExporter(
            endpoint=settings.endpoint, headers=settings.header_values(), timeout=settings.timeout_seconds
        )
        exporter = ReportingExporter(sender, urlsplit(settings.endpoint).netloc)
        processor = CountingProcessor(
            exporter,
            max_queue_size=settings.max_waiting_spans,
            max_export_batch_size=min(MAX_BATCH, settings.max_waiting_spans),
        )
        self.provider.add_span_processor(processor)
        trace_by(self.tracer)
        try:
            yield
        finally:
            trace_by(None)
            exporter.hurry()
            await asyncio.to_thread(processor.shutdown)
