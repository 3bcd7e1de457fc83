"""Files that are attached to records, by themselves or in a field."""
