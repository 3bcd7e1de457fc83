"""Sessions: sign-ins that can be seen and ended."""
