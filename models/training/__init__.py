"""Training: one run, its folds, studies of several learners, import of files."""
