"""Modules: the parts of the product, as a workspace has set them."""
