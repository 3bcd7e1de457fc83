"""Comments on records: the resource that every other one is written after."""
