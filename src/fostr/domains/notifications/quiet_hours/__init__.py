"""When a member wants nothing to arrive."""
