"""Bodies and answers of long work."""
