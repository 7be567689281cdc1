"""Long work: its queue, its states, the port of what runs it."""
