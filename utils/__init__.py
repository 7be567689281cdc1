"""Cross-cutting parts: clock, concurrency, logging, metrics."""
