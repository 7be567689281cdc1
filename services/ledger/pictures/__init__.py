"""Pictures of the records: small SVG files without scripts, with the same in words."""
