"""Confirming who one is, before what cannot be undone."""
