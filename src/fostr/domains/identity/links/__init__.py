"""Links that were sent to people: how they are looked at and used by whoever follows them."""
