"""Use cases: one class, one verb."""
