"""What members are told about their workspace and their place in it."""
