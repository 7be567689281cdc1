"""Judging models: metrics, their intervals, and the gate that decides what serves."""
