"""Work that outlives a request: dispatched in the caller's transaction, run by worker processes at least once."""
