"""Words of the ledger: what each lane said, and what came of it."""
