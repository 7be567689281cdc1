"""Publish and subscribe, and the events that are published."""
