"""What was said, what came of it, and what it is worth."""
