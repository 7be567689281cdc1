"""Learning: one run, its folds, studies of many learners, import of files."""
