"""Workspaces: made, renamed, switched between."""
