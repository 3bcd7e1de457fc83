"""Records that stand for the same thing: finding them, and making one of them."""
