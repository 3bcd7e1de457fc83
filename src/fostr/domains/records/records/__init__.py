"""Records: rows of a recordset, their values, versions and trash."""
