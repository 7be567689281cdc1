"""The versions that come with the service, made by the command line."""
