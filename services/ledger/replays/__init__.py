"""What would have been said at a moment in the past, beside what was said then."""
