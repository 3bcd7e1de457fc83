"""Offboarding: what belongs to a member, and handing it over."""
