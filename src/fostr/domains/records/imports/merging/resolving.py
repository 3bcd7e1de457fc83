"""Texts that name members or records of other recordsets, and what they name."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.fields.shaping import check_value
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.imports.conversion import Fault, shorten
from fostr.domains.records.imports.merging.repository import list_named_members, list_titled
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.recordsets.reach import find_bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.imports.conversion import CheckedRows
    from fostr.domains.records.recordsets.reach import Reached

WhenUnknown: TypeAlias = Literal["error", "skip"]

MOST_TOLD: Final = 3
NOT_THERE: Final = "names nothing that is there, or several"


async def resolve(
    reached: Reached, rows: CheckedRows, references: Mapping[str, WhenUnknown], *, columns: Mapping[str, str]
) -> None:
    """Put ids in the place of the texts by which rows name things; rows that name what is not there become faults.

    Args:
        reached: the recordset.
        rows: changed in place.
        references: the fields that name things, each with what becomes of a text that names nothing, or several.
        columns: the name of the column that goes into each field.
    """
    for key, unknown in references.items():
        field = reached.recordset.by_key[key]
        texts = {text for values in rows.values for text in values[key] or ()}
        find = _find_members if field.type == "member" else partial(_find_records, field)
        named = _only(await find(reached, texts)) if texts else {}
        _replace(rows, field, named, unknown=unknown, column=columns.get(key, key))


Named: TypeAlias = "Iterable[tuple[UUID, str]]"


def _only(named: Named) -> dict[str, UUID]:
    """Return what each text names, where that is one thing."""
    found: defaultdict[str, set[UUID]] = defaultdict(set)
    for thing, name in named:
        found[name.casefold()].add(thing)
    return {name: next(iter(things)) for name, things in found.items() if len(things) == 1}


async def _find_members(reached: Reached, texts: set[str]) -> Named:
    """Return the members whom texts name by their ids, addresses or names, in whatever letters."""
    return await list_named_members(reached.unit, sorted({text.casefold() for text in texts}))


async def _find_records(field: Field, reached: Reached, texts: set[str]) -> Named:
    """Return the records that texts name by their ids or titles, of those that the caller may see."""
    target = await find_bare(reached.context)(UUID(field.options["recordset"]))
    if target is None or target.recordset.deleted or not (target.decide("view") and target.decide("view_records")):
        return []
    # Where a title may still come from a hidden field, nobody learns by it which records there are.
    titles = [] if hides_derived(target.recordset, target.mask) else sorted(texts)
    condition = select_records(target, RecordQuery()).condition
    return await list_titled(reached.unit, condition, ids=[*filter(None, map(_read_id, texts))], titles=titles)


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _replace(rows: CheckedRows, field: Field, named: Mapping[str, UUID], *, unknown: WhenUnknown, column: str) -> None:
    kept = [True] * len(rows.values)
    for place, values in enumerate(rows.values):
        texts: list[str] | None = values[field.key]
        if texts is None:
            continue
        strange = [text for text in texts if text.casefold() not in named]
        if strange and unknown == "error":
            told = "; ".join(strange[:MOST_TOLD])
            rows.faults.append(Fault(rows.numbers[place], column, shorten(told), NOT_THERE))
            kept[place] = False
            continue
        ids: list[Any] = [str(named[text.casefold()]) for text in texts if text.casefold() in named]
        try:
            values[field.key] = check_value(field, ids)
        except ValueRefused as refusal:
            rows.faults.append(Fault(rows.numbers[place], column, shorten("; ".join(texts)), str(refusal)))
            kept[place] = False
    if not all(kept):
        rows.numbers = list(compress(rows.numbers, kept))
        rows.values = list(compress(rows.values, kept))
