"""Of what was said, and the outcomes."""
