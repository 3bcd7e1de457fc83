"""One change for each record, out of the one event of a bulk write."""
