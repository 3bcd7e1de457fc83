"""Statements on records: reading one, listing many, writing."""
