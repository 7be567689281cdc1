"""The hot paths of the service, in real server processes, beside their alternatives."""
