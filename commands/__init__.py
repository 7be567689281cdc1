"""The commands of `cli.py`: their arguments, and how their results are shown."""
