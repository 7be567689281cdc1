"""From the content of a file to columns as they stand in it."""
