"""What a member was told, to read and to put away."""
