"""Evidence measured on candles: what plans came to, built into a book or held against one, by command and job."""
