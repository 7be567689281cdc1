"""The longer proofs: faults that the running service survives, with what was lost; `make faults` runs them all."""
