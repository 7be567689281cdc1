"""Proof of the ledger: published entries, a Merkle root for each day, exports that anyone can check."""
