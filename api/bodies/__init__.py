"""Bodies of requests, read and checked."""
