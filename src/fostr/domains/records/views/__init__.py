"""Saved views: how people look at a recordset, kept for themselves or for everybody who may see it."""
