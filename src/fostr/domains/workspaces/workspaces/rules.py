"""How a workspace gets its name in addresses."""

import re
import secrets
import unicodedata
from typing import Final

_LONGEST: Final = 48
_FALLBACK: Final = "workspace"
_SUFFIX_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without what people confuse when they read it aloud."""


def make_slug(name: str) -> str:
    """Return a name's letters and digits in plain ASCII, joined by dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:_LONGEST].rstrip("-") or _FALLBACK


def extend_slug(slug: str) -> str:
    """Return a slug with a random end, for one that is taken."""
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(6))
    return f"{slug}-{suffix}"
