"""What readers may know of events about recordsets, records and what belongs to them."""
