"""Bodies and answers of the running service."""
