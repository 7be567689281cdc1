"""Names of markets: their symbols, exchanges and files."""
