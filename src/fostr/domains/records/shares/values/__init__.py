"""How the values of records are written for people outside of the workspace."""
