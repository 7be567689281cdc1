"""What the LLM is asked: instructions in versioned text files, facts as JSON, what clients say as delimited data."""
