"""What cookies are called."""


def cookie_name(name: str, *, is_secure: bool) -> str:
    """Return the name of a cookie that no other host can set, where the server is reached by https.

    A neighbour on the same domain could else give somebody a session that is not theirs, and they would go on in it.

    Args:
        name: what it is called where people come by http.
        is_secure: whether they come by https.
    """
    return f"__Host-{name}" if is_secure else name
