"""What a member wants to be told, and on which ways."""
