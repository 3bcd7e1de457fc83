"""The language of formulas: read into a tree, typed, and compiled to SQL that cannot fail on any record."""
