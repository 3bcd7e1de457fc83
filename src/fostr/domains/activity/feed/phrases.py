"""What happened, as a sentence: put together when it is read, of what the reader may know.

A phrase is made of the name of the event's type, as `role.updated` makes `changed the role Editors`. Where that is not
how people would say it, the domain says it in the type's own `phrase`; see `EventType`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.events.catalogue import find_event_type
from fostr.kernel.events.visibility import facts_of, is_system

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.kernel.events.visibility import Seen

SYSTEM: Final = "The system"
SOMEBODY: Final = "Somebody"
IN_HANDS: Final = "An operator, in the name of"
"""What stands before the name of a member in whose name somebody of the installation acted."""

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
_SPELLED: Final = {"api key": "API key"}

MEMBER_FACTS: Final = ("member_id", "to_member_id")
TEAM_FACT: Final = "team_id"
"""The facts by which an event names the members and the team whose names its sentence tells."""


class _Count:
    """How many things it was, as in `{count:record}`: `3 records`, or `records` where nobody counted."""

    def __init__(self, count: int | None) -> None:
        self._count = count

    def __format__(self, noun: str) -> str:
        things = noun if self._count == 1 else f"{noun}s"
        return things if self._count is None else f"{self._count:,} {things}"


def describe(seen: Seen, *, actor: str | None, is_own: bool = False, names: Mapping[str, str] | None = None) -> str:
    """Return what happened as a sentence.

    Args:
        seen: the event, as far as the reader may know of it.
        actor: what the member who did it is called; None where it was none, or where that was forgotten.
        is_own: whether they did it to themselves.
        names: what the members and teams are called that the event names, by their ids.
    """
    phrase = phrase_of(seen.event.type, seen.event.entity, is_own=is_own)
    return f"{_who(seen, actor)} {_tell(seen, phrase, names or {})}"


def _who(seen: Seen, actor: str | None) -> str:
    if seen.done_by is not None:
        return seen.done_by
    if not actor:
        return SYSTEM if is_system(seen.event.actor) else SOMEBODY
    return actor if seen.event.actor.get("acting_as") is None else f"{IN_HANDS} {actor},"


def _tell(seen: Seen, phrase: str, names: Mapping[str, str]) -> str:
    event = seen.event
    facts = facts_of(event)
    is_elsewhere = seen.scope_name is not None and seen.scope_id != event.entity_id
    place = f" in {seen.scope_name}" if is_elsewhere else ""
    parts = {
        "name": f"{seen.name or _with_article(event.entity)}{place}",
        "thing": f"{f'the {_spell(event.entity)} {seen.name}' if seen.name else _with_article(event.entity)}{place}",
        "count": _Count((event.cause or {}).get("count")),
        "whom": _whom(facts, names),
        "to": names.get(str(facts.get("to_member_id")), "a member"),
        "fact": {name: value for name, value in facts.items() if value is not None},
    }
    try:
        told = phrase.format(**parts)
    except KeyError:
        # An older event, or one whose reader may not know that fact.
        phrase = _derive(event.type, event.entity)
        told = phrase.format(**parts)
    return told if "{name}" in phrase or "{thing}" in phrase else f"{told}{place}"


def _whom(facts: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if facts.get("member_id") is None and facts.get("team_id") is not None:
        return names.get(str(facts["team_id"]), "a team")
    return names.get(str(facts.get("member_id")), "a member")


@lru_cache(maxsize=1024)
def phrase_of(event_type: str, entity: str, *, is_own: bool = False) -> str:
    """Return the phrase of a type of event, with the places in it that `EventType` names."""
    known = find_event_type(event_type)
    if known is None:
        return _derive(event_type, entity)
    return (known.own_phrase if is_own else "") or known.phrase or _derive(event_type, entity)


def _derive(event_type: str, entity: str) -> str:
    subject, _, happened = event_type.partition(".")
    verb, noun, rest = _split(happened.split("_"))
    preposition = _PREPOSITIONS.get(verb)
    if noun:
        object_ = f"{_with_article(noun)} {preposition or 'of'} {{thing}}"
    elif subject != entity:
        object_ = f"{{count:{_spell(subject.removesuffix('s'))}}} {preposition or 'in'} {{name}}"
    else:
        object_ = "{thing}"
    pattern = _VERBS.get(verb, f"{verb} {{}}")
    return " ".join([pattern.replace("{}", object_), *rest])


def _split(words: list[str]) -> tuple[str, str, list[str]]:
    """Return the verb, what stands before it, and what stands behind it, of `field_retyped` or `placed_in_tool`."""
    if words[0].endswith("ed"):
        return words[0], "", words[1:]
    return words[-1], "_".join(words[:-1]), []


def _spell(kind: str) -> str:
    words = kind.replace("_", " ")
    return _SPELLED.get(words, words)


def _with_article(kind: str) -> str:
    words = _spell(kind)
    if words in _UNCOUNTED or words.endswith("s"):
        return words
    return f"{'an' if words[:1].lower() in 'aeiou' else 'a'} {words}"
