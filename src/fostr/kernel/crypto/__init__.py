"""Secrets: keys, encrypted values, tokens, signatures, JSON web tokens and passwords."""
