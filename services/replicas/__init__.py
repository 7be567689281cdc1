"""What replicas of the service share over Redis, and what each does alone without it."""
