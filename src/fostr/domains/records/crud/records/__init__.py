"""Records as whole objects."""
