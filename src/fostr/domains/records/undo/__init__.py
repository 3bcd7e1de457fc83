"""Undoing what somebody did as one thing."""
