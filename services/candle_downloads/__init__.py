"""Downloads of the past of markets: into files, and into the store."""
