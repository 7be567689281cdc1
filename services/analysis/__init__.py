"""The main job: a query in, an analysis out."""
