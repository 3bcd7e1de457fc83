"""Numbers that records get one after the other (fields of type `autonumber`)."""
