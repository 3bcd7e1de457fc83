"""Webhooks: addresses of other programs, and what they are told."""
