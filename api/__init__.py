"""HTTP and WebSocket: the only package that knows FastAPI."""
