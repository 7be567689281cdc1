"""What is written down of an answer: an entry for each lane, once, and how often it was given again."""
