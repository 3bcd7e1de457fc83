"""Giving a field another type: what its values become, what would be lost, and how records follow."""
