"""Tours of the product: which a member has been through."""
