"""The words of the field: immutable value objects and the errors they raise; no I/O."""
