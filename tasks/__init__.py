"""Jobs: their functions, the child process that runs one, and the runner that starts it."""
