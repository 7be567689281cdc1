"""Past signals: hit rates, reported outcomes, performance."""
