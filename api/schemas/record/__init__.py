"""Bodies and answers of what was said, and the outcomes."""
