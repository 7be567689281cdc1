"""The routes: they translate requests for the services, and their results for clients."""
