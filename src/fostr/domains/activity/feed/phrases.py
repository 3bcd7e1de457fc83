"""What happened, as a sentence: put together when it is read, of what the reader may know.

A phrase is made of the name of the event's type, as `record.updated` makes `changed {thing}`. Where that is not how
people would say it, the domain says it in the type's own `phrase`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fostr.kernel.events.catalogue import find_event_type

if TYPE_CHECKING:
    from fostr.kernel.events.visibility import Seen

NOBODY: Final = "The system"

_VERBS: Final = {
    "completed": "finished {}",
    "done": "did {}",
    "purged": "deleted {} for good",
    "reassigned": "handed over {}",
    "trashed": "moved {} to the trash",
    "undone": "undid changes to {}",
    "updated": "changed {}",
    "upserted": "wrote {}",
}
_PREPOSITIONS: Final = {
    "added": "to",
    "granted": "to",
    "imported": "into",
    "reassigned": "of",
    "removed": "from",
    "revoked": "to",
    "sent": "to",
}
_UNCOUNTED: Final = frozenset({"access"})


def describe(seen: Seen, *, actor: str | None) -> str:
    """Return what happened as a sentence.

    Args:
        seen: the event, as far as the reader may know of it.
        actor: what the person who did it is called; None for the system.
    """
    event = seen.event
    count = (event.cause or {}).get("count")
    told = phrase_of(event.type, event.entity).format(
        thing=seen.name or _with_article(event.entity), count=f"{count:,} " if count is not None else ""
    )
    is_elsewhere = seen.scope_name is not None and seen.scope_id != event.entity_id
    return f"{actor or NOBODY} {told}{f' in {seen.scope_name}' if is_elsewhere else ''}"


@lru_cache(maxsize=1024)
def phrase_of(event_type: str, entity: str) -> str:
    """Return the phrase of a type of event, with `{thing}` and, where many things may be meant, `{count}` in it."""
    known = find_event_type(event_type)
    return (known.phrase if known is not None else "") or _derive(event_type, entity)


def _derive(event_type: str, entity: str) -> str:
    subject, _, happened = event_type.partition(".")
    verb, noun, rest = _split(happened.split("_"))
    preposition = _PREPOSITIONS.get(verb)
    if noun:
        object_ = f"{_with_article(noun)} {preposition or 'of'} {{thing}}"
    elif subject != entity:
        plural = subject if subject.endswith("s") else f"{subject}s"
        object_ = f"{{count}}{plural.replace('_', ' ')} {preposition or 'in'} {{thing}}"
    else:
        object_ = "{thing}"
    pattern = _VERBS.get(verb, f"{verb} {{}}")
    return " ".join([pattern.replace("{}", object_), *rest])


def _split(words: list[str]) -> tuple[str, str, list[str]]:
    """Return the verb, what stands before it, and what stands behind it, of `field_retyped` or `placed_in_tool`."""
    if words[0].endswith("ed"):
        return words[0], "", words[1:]
    return words[-1], "_".join(words[:-1]), []


def _with_article(kind: str) -> str:
    words = kind.replace("_", " ")
    if words in _UNCOUNTED or words.endswith("s"):
        return words
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"
