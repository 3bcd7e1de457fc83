"""Search: every word that a caller types begins a word of the record."""

from __future__ import annotations

from typing import Final

from fostr.domains.records.fields.words import split_words
from fostr.kernel.db.sql import Fragment

LONGEST_SEARCH: Final = 200
"""Characters of a search; also keeps each word under the 2,046 bytes that a text search query has room for."""


def search_condition(text: str) -> Fragment | None:
    """Return the condition that a record `r` has all words of a text, each as the beginning of one of its own.

    None when the text is blank; a text of punctuation alone finds nothing. What is searched are the values that are
    hidden from nobody, so that a search cannot tell what its caller may not see.
    """
    if not text.strip():
        return None
    words = split_words(text)
    if not words:
        return Fragment("false", {})
    wanted = " & ".join(f"'{word}':*" for word in dict.fromkeys(words))
    condition = """r.id in (
        select d.record_id from record_search d
        where d.workspace_id = :workspace and d.document @@ to_tsquery('simple', :search)
    )"""
    return Fragment(condition, {"search": wanted})
