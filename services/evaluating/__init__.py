"""Evaluations: a version scored on candles that it was not trained on, for the command and for jobs."""
