"""Passkeys: signing in by a key that a device keeps, and releases to its owner alone."""
