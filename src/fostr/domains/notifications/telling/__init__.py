"""From events to notifications: who is told, and what."""
