"""Results of the commands as tables, for a terminal or in Markdown."""
