"""The architectures: a file and a row of the catalogue each."""
