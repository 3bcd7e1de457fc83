"""What happens in a workspace, told as it happens."""
