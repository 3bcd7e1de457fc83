"""Who is calling: principals from a session cookie, a JWT, a personal access token or an API key."""
