"""The past of markets: read page by page, kept in files, and what one answer tells of it."""
