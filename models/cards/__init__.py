"""The card of a version: what it was trained on, what it can do and what not, as Markdown made from its metadata."""
