"""Imports that meet records that are there: which rows change which records, and what dry runs tell of it."""
