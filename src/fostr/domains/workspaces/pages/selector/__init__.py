"""Choosing a workspace, with a browser."""
