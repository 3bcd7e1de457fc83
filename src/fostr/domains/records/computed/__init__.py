"""Fields that no record keeps: links as the caller sees them, lookups, rollups, counts and formulas."""
