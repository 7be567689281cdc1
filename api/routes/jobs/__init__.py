"""Long work: what is queued, when, and how it goes."""
