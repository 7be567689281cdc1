"""Machine-learning models; none yet: the technical rules answer alone."""
