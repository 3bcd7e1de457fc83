"""Accounts: a person on this server, whatever workspaces they are in."""
