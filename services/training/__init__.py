"""Training on request, and administration of models."""
