"""What a field can hold: how values are checked, kept, compared and shown."""
