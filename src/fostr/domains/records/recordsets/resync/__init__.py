"""Bringing the records of a recordset in step with its fields and settings, once those have changed."""
