"""Alembic's migrations, generated from the `tables` modules."""
