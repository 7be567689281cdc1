"""The faults that are brought about, one file each."""
