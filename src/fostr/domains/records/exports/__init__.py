"""Exports: records become a file, as the person may see them."""
