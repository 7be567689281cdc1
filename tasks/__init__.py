"""Jobs: their functions, the process of one job, and the runner that starts it."""
