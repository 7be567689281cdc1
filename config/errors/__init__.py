"""What is said of settings that cannot be used."""
