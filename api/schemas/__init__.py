"""Bodies and answers, as documented in OpenAPI."""
