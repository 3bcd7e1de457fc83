"""How the rows of a file meet the records that are there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.bulk.upserting import MatchInvalid, find_match_fields
from fostr.domains.records.query.filters import comparable
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.recordsets.reach import Reached

MergeRule: TypeAlias = Literal["take_new", "keep_old", "fill_blank", "append"]
WhenMatched: TypeAlias = Literal["update", "skip"]
WhenUnmatched: TypeAlias = Literal["create", "skip"]
Key: TypeAlias = "tuple[Any, ...]"

MOST_MATCHED: Final = 5
_JOINTS: Final = {"text": ", ", "long_text": "\n"}


class MergeRuleInvalid(Unprocessable):
    """A column cannot be merged in this way."""

    code = "merge_rule_invalid"
    detail = "The column cannot be merged in this way."


@dataclass(frozen=True, slots=True)
class Merging:
    """How rows meet records.

    Attributes:
        match_on: the fields by which a row and a record are the same thing; none where all rows become new records.
        when_matched: what becomes of a row that is there.
        when_unmatched: what becomes of one that is not.
        rules: how the value of each field meets the one that is there; `take_new` where nothing is said. An empty cell
            says nothing of a field and never clears it.
    """

    match_on: tuple[str, ...] = ()
    when_matched: WhenMatched = "update"
    when_unmatched: WhenUnmatched = "create"
    rules: Mapping[str, MergeRule] = field(default_factory=dict[str, "MergeRule"])

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Merging:
        """Return what `as_document` was made from."""
        given: dict[str, Any] = {**document, "match_on": tuple(document["match_on"])}
        return cls(**given)


def check_merging(reached: Reached, merging: Merging, *, mapped: Collection[str]) -> None:
    """Refuse a merge that cannot be done; the mapped fields exist.

    Raises:
        MatchInvalid: a field to match by is not mapped, or of a type that tells nothing apart.
        MergeRuleInvalid: a rule is said where nothing is matched, or does not fit its field.
    """
    for key in merging.match_on:
        if key not in mapped:
            raise MatchInvalid(f"No column goes into {key!r}, by which rows are to be matched.", field=key)
    find_match_fields(reached, list(merging.match_on))
    for key, rule in merging.rules.items():
        if not merging.match_on:
            raise MergeRuleInvalid("A rule for merging needs `match_on`.", field=key)
        if rule == "append" and not can_append(reached.recordset.by_key[key]):
            raise MergeRuleInvalid("Only lists and texts can be appended to.", field=key)


def can_append(entry: Field) -> bool:
    """Say whether a value can be added to what a field holds."""
    return entry.kind == "list" or entry.type in _JOINTS


def key_of(recordset: Recordset, merging: Merging, values: Mapping[str, Any]) -> Key | None:
    """Return what a record or a row is matched by; None where a part of it is missing."""
    parts = [(recordset.by_key[name], values.get(name)) for name in merging.match_on]
    if any(value is None for _, value in parts):
        return None
    return tuple(comparable(entry, value) for entry, value in parts)


def merge_values(
    recordset: Recordset, merging: Merging, old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Any]:
    """Return which values a row changes in a record, as the rules of its columns say.

    Raises:
        ValueRefused: what comes of appending is longer than the field takes.
    """
    changed: dict[str, Any] = {}
    for key, value in new.items():
        if value is None:
            continue
        merged = _MERGERS[merging.rules.get(key, "take_new")](recordset.by_key[key], old.get(key), value)
        if merged != old.get(key):
            changed[key] = merged
    return changed


def _take_new(_: Field, old: Any, new: Any) -> Any:
    del old
    return new


def _keep_old(_: Field, old: Any, new: Any) -> Any:
    del new
    return old


def _fill_blank(_: Field, old: Any, new: Any) -> Any:
    return new if old is None else old


def _append(entry: Field, old: Any, new: Any) -> Any:
    if old is None:
        return new
    if entry.kind == "list":
        return [*old, *(item for item in new if item not in old)]
    # What is there already is not added again: a file that is imported twice changes nothing the second time.
    joint = _JOINTS[entry.type]
    if new in old.split(joint) or new == old:
        return old
    joined: Any = entry.field_type.check(f"{old}{joint}{new}", entry.options)
    return joined


_MERGERS: Final[dict[MergeRule, Callable[[Field, Any, Any], Any]]] = {
    "take_new": _take_new,
    "keep_old": _keep_old,
    "fill_blank": _fill_blank,
    "append": _append,
}
