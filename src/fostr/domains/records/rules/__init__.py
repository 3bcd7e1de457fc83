"""Row rules: which records of a recordset are within reach of whom."""
