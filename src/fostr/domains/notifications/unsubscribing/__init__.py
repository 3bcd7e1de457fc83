"""Ending mail from within it, without signing in."""
