"""Records on a map, streamed."""
