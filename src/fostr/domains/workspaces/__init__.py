"""Workspaces: who is in them, in which teams, and the keys that machines use them with."""
