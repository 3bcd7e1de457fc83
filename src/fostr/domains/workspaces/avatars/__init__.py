"""The picture that a member has in one workspace alone."""
