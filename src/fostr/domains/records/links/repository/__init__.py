"""Statements on links and relationships."""
