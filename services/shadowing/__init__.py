"""Whether candidates that shadow the models in production may replace them."""
