"""Addresses of databases, and the login that the server works with. Light: nothing heavy is imported here."""

import hashlib
import hmac
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

APPLICATION: Final = "fostr_app"
"""The login that owns nothing, and has no right on schema `data`."""


def application_password(secret_key: str) -> str:
    """Return the password of the application's login, the same wherever the secret key is."""
    return hmac.new(secret_key.encode(), b"fostr database login", hashlib.sha256).hexdigest()


def application_url(admin_url: str, *, password: str) -> str:
    """Return `admin_url` with the application's login in place of the administrator's."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{APPLICATION}:{quote(password, safe='')}@{host}"
    query = "&".join(item for item in parts.query.split("&") if item and not item.startswith(("user=", "password=")))
    return urlunsplit(parts._replace(netloc=netloc, query=query))
