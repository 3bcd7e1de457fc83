"""How much happened: by day, by kind, by person."""
