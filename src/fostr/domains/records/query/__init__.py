"""What of a recordset is asked for: filters, search, order, and the SQL that they become."""
