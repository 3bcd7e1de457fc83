"""What the product is for: one package a domain, which others meet only at its `public` module."""
