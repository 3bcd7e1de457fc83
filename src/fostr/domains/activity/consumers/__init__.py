"""Who follows what happened, and how far they are behind."""
