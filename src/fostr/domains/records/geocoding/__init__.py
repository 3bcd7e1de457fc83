"""Places for records that have an address."""
