"""Deliveries of webhooks: what is sent, when it is tried again, what came of it, and sending it once more."""
