"""Signing in and out, with a browser."""
