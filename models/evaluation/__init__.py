"""Evaluation of models: metrics, their intervals, and the gate that decides which version serves."""
