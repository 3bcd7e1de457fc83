"""Accepting an invitation, with a browser."""
