"""The guards that a Long or Short has to pass, whoever says it, and the safe mode."""
