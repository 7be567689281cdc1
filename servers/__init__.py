"""Real servers beside the service, each a process on loopback: for tests, faults and people who develop."""
