"""Uploads in parts: a large file comes in pieces, in any order, and goes on where a connection was lost."""
