"""Use cases, a folder for each subject: what the service does, over the rules, the models and the ports of storage."""
