"""The trash of recordsets: what is in it, restoring, deleting for good."""
