"""Trainings on request and by themselves, and the administration of models."""
