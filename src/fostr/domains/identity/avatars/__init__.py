"""The picture of an account, shown in each of its person's workspaces."""
