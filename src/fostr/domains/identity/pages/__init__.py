"""Pages by which people come in, and see to their accounts: the same use cases as the operations, with forms."""
