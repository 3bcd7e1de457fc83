"""Share links: a view of a recordset for people outside of the workspace, who need not sign in."""
