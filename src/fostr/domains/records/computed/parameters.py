"""The parameters of one computed field, named so that those of no other field are called the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fostr.kernel.db.sql import Fragment

_PARAMETER: Final = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")


class Parameters:
    """Collects values, and takes over those of pieces that are built in.

    A name is the field's key, `__p` and a number. Whatever the key, the name tells where it ends, so two fields never
    share one.
    """

    def __init__(self, key: str) -> None:
        """Begin for a field."""
        self.values: dict[str, Any] = {}
        self._key = key

    def bind(self, value: Any) -> str:
        """Take a value, and return how SQL names it."""
        name = f"{self._key}__p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def take(self, piece: Fragment) -> str:
        """Take over a piece of SQL, and return its text with the parameters named anew."""
        names = {name: self.bind(value) for name, value in piece.params.items()}
        return _PARAMETER.sub(lambda found: names.get(found[1], found[0]), piece.text)
