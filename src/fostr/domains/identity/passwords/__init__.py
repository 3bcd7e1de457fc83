"""Passwords: what a new one must be, and setting one."""
