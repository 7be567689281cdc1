"""The running service: health, storage, switches, costs, notices."""
