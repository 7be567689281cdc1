"""Market data: the chain of sources, its snapshots, the engine's settings."""
