"""What is known of a version: its evaluation, its card and its attention; the tables of docs/model-evaluation.md."""
