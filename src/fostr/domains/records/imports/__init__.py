"""Imports: a file becomes records, row by row, exactly once."""
