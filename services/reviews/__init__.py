"""Reviews of closed trades and of the service's own settings."""
