"""The logo of a workspace."""
