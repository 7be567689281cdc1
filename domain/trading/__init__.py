"""Words of trading that are computed with."""
