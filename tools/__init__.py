"""What `make` runs and the product does not need."""
