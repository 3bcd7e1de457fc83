"""What happened in a workspace, for people: the newest first, and only what the reader may see."""
