"""Other programs that the service is held against, each in an environment of its own."""
