"""Recordsets as whole objects."""
