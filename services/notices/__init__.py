"""What operators are told without asking: once, at a fit hour, on every channel."""
