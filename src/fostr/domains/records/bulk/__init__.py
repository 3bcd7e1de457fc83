"""Many records at once: created, changed, matched by natural keys, deleted; each row answered by itself."""
