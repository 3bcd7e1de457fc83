"""Identity: people, how they sign in, and the credentials that act in their name."""
