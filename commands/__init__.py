"""The commands of `cli.py`: what each takes, and how its result is shown. What they do is done elsewhere."""
