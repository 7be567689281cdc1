"""What was said, the outcomes, and the figures of both."""
