"""The second factor and passkeys, with a browser."""
