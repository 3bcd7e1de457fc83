"""Impersonation: an administrator of the installation acts in the name of a member, for a while and in sight."""
