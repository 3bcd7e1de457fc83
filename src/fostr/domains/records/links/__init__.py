"""Links between records: those of link fields, and relationships that people name."""
