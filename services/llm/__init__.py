"""Asking a large language model: advisor, journal, costs, grounding of replies; it knows nothing of trading."""
