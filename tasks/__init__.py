"""Long work beside the service: the functions, the process that runs one, and who starts that process."""
