"""Invitations: asking somebody to be a member, whether or not they have an account."""
