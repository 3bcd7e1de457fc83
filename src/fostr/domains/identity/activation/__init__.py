"""Activation: proving that an address is one's own, and choosing the first password."""
