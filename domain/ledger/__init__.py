"""Words of the ledger: what each lane said, and the outcomes."""
