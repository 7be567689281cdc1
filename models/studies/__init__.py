"""Studies: several learners on the same folds of the same candles, and tables of several studies."""
