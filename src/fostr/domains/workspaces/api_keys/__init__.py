"""API keys: how machines use one workspace."""
