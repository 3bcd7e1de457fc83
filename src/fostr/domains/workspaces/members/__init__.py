"""Members: the people of a workspace, with what it keeps of them."""
