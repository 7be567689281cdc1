"""What replicas, jobs, many symbols and a long record cost, in real server processes."""
