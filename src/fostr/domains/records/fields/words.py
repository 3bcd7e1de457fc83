"""Words: how a text is taken apart for the search, the same way when it is kept and when it is looked for."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BETWEEN: Final = re.compile(r"[\s!-/:-@\[-`{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u303f]+")
"""What lies between words: space and punctuation, so that a part of an address finds the whole."""


_ASCII_BETWEEN: Final = "".join(" " if _BETWEEN.fullmatch(chr(code)) else chr(code) for code in range(128))


def plain_words(text: str) -> str:
    """Return the words of a text, each followed by one space and the next; see `split_words`."""
    if text.isascii():
        # Most texts are, and this takes a sixth of the time.
        return " ".join(text.lower().translate(_ASCII_BETWEEN).split())
    return " ".join(split_words(text))


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, in their order.

    PostgreSQL's own parser keeps `jane@example.com` and `runway-9` together, so that typing their beginnings would
    find nothing; and its lower case depends on the server's locale.
    """
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return [word for word in _BETWEEN.split(composed.lower()) if word]
