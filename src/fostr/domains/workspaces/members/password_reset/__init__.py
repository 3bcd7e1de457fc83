"""A new password for a member, at an administrator's request."""
