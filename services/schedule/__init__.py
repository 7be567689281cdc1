"""The schedule: work that is due at certain times, queued as jobs."""
