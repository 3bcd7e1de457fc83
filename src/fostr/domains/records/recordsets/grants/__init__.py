"""Access: what is granted on a recordset to members and teams."""
