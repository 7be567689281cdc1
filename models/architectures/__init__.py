"""The architectures: one builder or learner each, over shared blocks."""
