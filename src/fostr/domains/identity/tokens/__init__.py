"""Personal access tokens: how programs act for a person."""
