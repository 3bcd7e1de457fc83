"""Fostr: one platform on which a company runs its work with AI."""

__version__ = "0.1.0"
