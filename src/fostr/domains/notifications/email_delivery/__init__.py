"""Whether mail comes for each notification at once, or for many together."""
