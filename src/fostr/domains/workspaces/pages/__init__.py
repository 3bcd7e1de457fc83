"""Pages about workspaces: choosing one, its first page, accepting an invitation."""
