"""Evidence from the past: what plans came to, and the curve through it."""
