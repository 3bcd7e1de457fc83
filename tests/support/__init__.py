"""What the tests share: the database server, the cast, the client that checks every answer."""
