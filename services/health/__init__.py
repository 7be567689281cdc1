"""What of the service does not work now."""
