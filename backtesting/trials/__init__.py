"""What was tried: the record of all runs, and the signed card of each."""
