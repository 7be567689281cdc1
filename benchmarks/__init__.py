"""Measurements of the hot paths and of their alternatives; `make bench` runs them all."""
