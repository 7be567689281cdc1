"""The daily certificate that the service would say again what it said."""
