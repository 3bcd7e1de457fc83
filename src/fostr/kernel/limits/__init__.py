"""Limits: how often something may happen in a span of time, counted in the database for all processes together."""
