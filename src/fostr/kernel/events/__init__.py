"""The outbox under everything: events recorded with each write, relayed after commit; and the bus."""
