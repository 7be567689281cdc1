"""What scenarios are made with: the real service, its clients and databases, a small disk, a clock that is set."""
