"""How recordsets and their fields get the names by which programs call them."""

from __future__ import annotations

import re
import unicodedata
from itertools import count
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST_SLUG: Final = 60
LONGEST_KEY: Final = 63
RESERVED_SLUGS: Final = frozenset({"trash"})
"""Words that stand in the place of a slug in the addresses of other operations."""


def make_slug(name: str) -> str:
    """Return a name's letters and digits in plain ASCII, joined by dashes."""
    return _plain(name, "-")[:LONGEST_SLUG].strip("-") or "recordset"


def free_slug(wanted: str, taken: Collection[str]) -> str:
    """Return a slug that can be used: the wanted one, or the first of it with a number behind."""
    if wanted not in taken and not is_reserved(wanted):
        return wanted
    numbered = (f"{wanted[: LONGEST_SLUG - 8].rstrip('-')}-{number}" for number in count(2))
    return next(slug for slug in numbered if slug not in taken and not is_reserved(slug))


def is_reserved(slug: str) -> bool:
    """Say whether an address with this slug would mean something else: an operation, or an id."""
    try:
        UUID(slug)
    except ValueError:
        return slug in RESERVED_SLUGS
    return True


def make_key(name: str, taken: Collection[str]) -> str:
    """Return a field key that is not taken yet, made of a name's letters and digits."""
    plain = _plain(name, "_")
    if not plain[:1].isalpha():
        plain = f"field_{plain}".rstrip("_")
    wanted = plain[:LONGEST_KEY].rstrip("_")
    if wanted not in taken:
        return wanted
    numbered = (f"{wanted[: LONGEST_KEY - 6].rstrip('_')}_{number}" for number in count(2))
    return next(key for key in numbered if key not in taken)


def _plain(name: str, joint: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", joint, ascii_only).strip(joint)
