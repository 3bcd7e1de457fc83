"""The outbox as callers may read it, and the catalogue of what can happen."""
