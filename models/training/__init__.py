"""Training: one run, its folds, the registration of its versions; import of files."""
