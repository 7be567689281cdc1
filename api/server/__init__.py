"""How uvicorn serves the application: limits of connections, heads and bodies, the start screen."""
