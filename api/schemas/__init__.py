"""What clients send and get, as documented in OpenAPI."""
