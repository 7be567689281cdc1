"""The entries of the catalogue, by group."""
