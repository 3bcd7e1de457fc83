"""Roles: what each allows in a workspace, the built-in ones and those that a workspace adds."""
