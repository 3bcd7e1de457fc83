"""Making an account, with a browser."""
