"""Stand-ins that let anyone see the service at work without an account; each marks what it makes."""
