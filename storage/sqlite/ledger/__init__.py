"""The ledger in tables of its own, in the SQLite file of the analyses."""
