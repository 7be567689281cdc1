"""Background jobs; none yet: the periodic analysis runs inside the service."""
