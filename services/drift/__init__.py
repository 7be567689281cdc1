"""Whether the markets of the models in production have left those of their training."""
