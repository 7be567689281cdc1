"""Words of the field: immutable value objects and errors; no I/O."""
