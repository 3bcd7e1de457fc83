"""Clerk: people whom a front end signs in by that service."""
