"""Taking a member out of a workspace, and deleting their account for good."""
