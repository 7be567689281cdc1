"""The judgements that the service would have made in the past."""
