"""The candles of a job: sent with the request, stored, or read by the job itself."""
