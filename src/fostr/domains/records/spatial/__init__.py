"""Records of one recordset by where they lie to those of another."""
