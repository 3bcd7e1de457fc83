"""What of a view the world may see: which fields, which settings, and how the values of each record are written.

What is not known to be fit for everybody is left out: a type of field that is added some day is shown by a link only
once somebody has said here how.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.formulas.compiling import name_by_keys
from fostr.domains.records.shares.values.repository import (
    computed_values,
    join_values,
    kept_values,
    member_values,
    members_values,
    moment_values,
    titles_values,
)
from fostr.domains.records.views.config import Config, prune_config
from fostr.kernel.access.evaluator import FieldMask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.sql import Fragment

PLAIN: Final = frozenset(
    {
        "text", "long_text", "number", "currency", "percent", "rating", "duration", "boolean", "date", "datetime",
        "email", "url", "phone", "select", "multi_select", "location", "geometry", "json", "autonumber",
    }
)  # fmt: skip
"""Types whose values stand for themselves."""
COMPUTED: Final = frozenset({"formula", "count", "rollup", "lookup"})
"""Types whose values are computed from others: shown where they cannot be the id of anything."""
LINKS: Final = frozenset({"link", "backlink"})
_NEVER_IDS: Final = frozenset({"number", "time", "boolean"})
"""Kinds of values that are no ids."""
MOMENTS: Final = frozenset({"created_at", "updated_at"})
MAKERS: Final = frozenset({"created_by", "updated_by"})
OPTIONS: Final = frozenset({"choices", "colors", "currency", "decimals", "min", "max", "time_zone"})
"""What of a field's options tells how its values are shown."""
_UNSHOWN: Final = frozenset({"filters", "hidden_fields"})

_WRITERS: Final[dict[str, Callable[[Field], Fragment]]] = {
    **dict.fromkeys(PLAIN, kept_values),
    **dict.fromkeys(MOMENTS, moment_values),
    **dict.fromkeys(MAKERS, member_values),
    "member": members_values,
    **dict.fromkeys(LINKS, titles_values),
    **dict.fromkeys(COMPUTED, computed_values),
}


def _writer(recordset: Recordset, entry: Field) -> Callable[[Field], Fragment] | None:
    """Return what writes the values of a field for everybody; None where nothing does."""
    write = _WRITERS.get(entry.type)
    if write in {titles_values, computed_values} and entry.computed is None:
        return None
    return None if write is computed_values and not _holds_no_ids(recordset, entry) else write


def _holds_no_ids(recordset: Recordset, entry: Field) -> bool:
    """Say whether what is computed cannot be the id of a member or of a record."""
    computed = entry.computed
    if computed is None or computed.problem is not None:
        return False
    if computed.kind in _NEVER_IDS:
        return True
    if entry.type == "lookup":
        return computed.kind == "text" and computed.type in PLAIN
    return entry.type == "formula" and all(
        part.type in PLAIN or (part.type in COMPUTED and _holds_no_ids(recordset, part))
        for part in _parts_of(recordset, entry)
    )


def _parts_of(recordset: Recordset, entry: Field) -> list[Field]:
    """Return the fields that a formula is made of."""
    keys = name_by_keys(entry.options["expression"], lambda key: key).keys
    return [recordset.by_key[key] for key in keys]


@dataclass(frozen=True, slots=True)
class Published:
    """What a link shows of a recordset.

    Attributes:
        reached: the recordset as the link's maker reaches it, with everything masked that is not shown.
        fields: those that are shown, in the view's order.
        config: of the view, without what is not for everybody.
    """

    reached: Reached
    fields: tuple[Field, ...]
    config: Config


def list_publishable(reached: Reached, config: Config) -> list[Field]:
    """Return the fields that a view shows to whoever reached its recordset, and that can be shown to everybody.

    Args:
        reached: the recordset.
        config: the view's, as they may know it.
    """
    hidden = {*config.get("hidden_fields", ())}
    shown = [
        entry
        for entry in reached.recordset.fields
        if entry.key not in hidden
        and entry.key not in reached.mask.hidden
        and _writer(reached.recordset, entry) is not None
    ]
    places = {key: place for place, key in enumerate(config.get("field_order", ()))}
    return sorted(shown, key=lambda entry: places.get(entry.key, len(places)))


def publish(reached: Reached, config: Config, *, allowed: Collection[str]) -> Published:
    """Return what a link shows.

    Args:
        reached: the recordset as the link's maker reaches it.
        config: the view's, as the maker may know it.
        allowed: keys of the fields that the link may show.
    """
    fields = tuple(entry for entry in list_publishable(reached, config) if entry.key in allowed)
    shown = {entry.key for entry in fields}
    unshown = frozenset(entry.key for entry in reached.recordset.fields if entry.key not in shown)
    narrow = FieldMask(hidden=reached.mask.hidden | unshown, read_only=reached.mask.read_only | unshown)
    public = prune_config(config, recordset=reached.recordset, mask=narrow).config
    return Published(
        reached=replace(reached, mask=narrow),
        fields=fields,
        config={part: value for part, value in public.items() if part not in _UNSHOWN},
    )


def options_of(entry: Field) -> dict[str, Any]:
    """Return how a field's values are shown."""
    return {name: value for name, value in entry.options.items() if name in OPTIONS and value is not None}


def values_of(published: Published) -> Fragment:
    """Return the SQL of the values that are shown of a record `r`, as a JSON object by keys."""
    values: dict[str, Fragment] = {}
    for entry in published.fields:
        write = _writer(published.reached.recordset, entry)
        assert write is not None  # noqa: S101 - only such are published
        values[entry.key] = write(entry)
    return join_values(values)
