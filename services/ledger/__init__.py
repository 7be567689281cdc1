"""The ledger: what each lane said, how it came out, and the figures and proofs of both."""
