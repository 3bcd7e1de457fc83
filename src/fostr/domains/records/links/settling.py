"""What must hold of link fields, and of fields computed through them, before a recordset is changed to have them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.computed.building import Builder
from fostr.domains.records.computed.values import Broken
from fostr.domains.records.fields.types import COMPUTING
from fostr.domains.records.formulas.compiling import name_by_keys
from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.domains.records.recordsets.definition import FieldOptionsInvalid
from fostr.domains.records.recordsets.reach import RecordsetNotFound, find_bare, parse_reference, reach_recordset
from fostr.kernel.http.errors import Conflict, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.recordsets.reach import Reached

MOST_COMPUTED: Final = 100
_OPTION: Final = {
    "link": "recordset",
    "backlink": "field",
    "lookup": "field",
    "rollup": "field",
    "count": "link",
    "formula": "expression",
}
"""The option that is to blame where a field cannot be computed."""


class FieldInUse(Conflict):
    """Other fields are computed of a field that is to go."""

    code = "field_in_use"
    detail = "Other fields are computed of this one; change or remove them first."


class TooManyComputed(Unprocessable):
    """A recordset has room for so many fields only that are computed."""

    code = "too_many_computed_fields"
    detail = f"A recordset has at most {MOST_COMPUTED} links and computed fields."


@dataclass(frozen=True, slots=True)
class Inverse:
    """A backlink that is to be added to another recordset."""

    target_id: UUID
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A recordset whose links and computed fields hold, and the backlinks that are wanted of them."""

    recordset: Recordset
    inverses: tuple[Inverse, ...]


async def settle_links(reached: Reached, *, before: Recordset | None) -> Settled:
    """Return a recordset as it is kept: recordsets by their ids, formulas by the keys of their fields.

    Args:
        reached: the recordset as it is going to be, and how the caller stands to it.
        before: as it was; None for a new one.

    Raises:
        FieldOptionsInvalid: naming the field and what is wrong with it, and where in a formula.
        FieldInUse: a field goes of which another is computed.
        TooManyComputed: there are more than `MOST_COMPUTED`.
    """
    recordset = reached.recordset
    _check_uses(recordset, before)
    if not recordset.is_computing:
        return Settled(recordset, ())
    if sum(field.type in COMPUTING for field in recordset.fields) > MOST_COMPUTED:
        raise TooManyComputed
    old = {} if before is None else {field.id: field for field in before.fields}
    fields: list[Field] = []
    inverses: list[Inverse] = []
    changed: list[str] = []
    for field in recordset.fields:
        was = old.get(field.id)
        is_changed = field.type in COMPUTING and (was is None or (was.type, was.options) != (field.type, field.options))
        _check_required(field, was)
        if is_changed:
            changed.append(field.key)
        fields.append(await _settle(reached, field, was, inverses) if is_changed else field)
    settled = replace(recordset, fields=tuple(fields))
    await _check_computed(replace(reached, recordset=settled), changed)
    return Settled(settled, tuple(inverses))


def _check_required(field: Field, was: Field | None) -> None:
    if field.is_required and not field.field_type.is_written and (was is None or not was.is_required):
        raise FieldOptionsInvalid("A computed field cannot be required.", field=field.key, option="is_required")


def _check_uses(recordset: Recordset, before: Recordset | None) -> None:
    gone: set[str] = set() if before is None else before.by_key.keys() - recordset.by_key.keys()
    if not gone:
        return
    for field in recordset.fields:
        used = gone & set(_uses(field))
        if used:
            raise FieldInUse(field=min(used), used_by=field.key)


def _uses(field: Field) -> Iterator[str]:
    if field.type in {"lookup", "rollup", "count"}:
        yield field.options["link"]
    elif field.type == "formula":
        yield from name_by_keys(field.options["expression"], lambda name: name).keys


async def _settle(reached: Reached, field: Field, was: Field | None, inverses: list[Inverse]) -> Field:
    options = dict(field.options)
    if field.type in {"link", "backlink"}:
        options["recordset"] = str(await _find_target(reached, field))
        if was is not None and was.type == "link" and was.options["recordset"] != options["recordset"]:
            raise _refuse(field, "A link stays with its recordset; add another one.", option="recordset")
        if name := options.pop("inverse", None):
            inverses.append(Inverse(UUID(options["recordset"]), name, field.key))
    elif field.type == "formula":
        options["expression"] = _name_by_keys(reached, field)
    return replace(field, options=options, computed=None)


async def _find_target(reached: Reached, field: Field) -> UUID:
    reference = field.options.get("recordset")
    if reference is None:
        return reached.recordset.id
    parsed = parse_reference(reference)
    if parsed == reached.recordset.id:
        return reached.recordset.id
    try:
        target = await reach_recordset(reached.context, parsed, "view")
    except RecordsetNotFound:
        raise _refuse(field, f"There is no recordset {reference!r}.", option="recordset") from None
    return target.recordset.id


def _name_by_keys(reached: Reached, field: Field) -> str:
    known = [one for one in reached.recordset.fields if one.key not in reached.mask.hidden]
    by_name = {one.name.lower(): one.key for one in reversed(known)}
    keys = {one.key for one in known}

    def find_key(name: str) -> str | None:
        return name if name in keys else by_name.get(name.lower())

    try:
        return name_by_keys(field.options["expression"], find_key).text
    except FormulaInvalid as fault:
        raise _refuse(field, str(fault), position=fault.position) from None


async def _check_computed(reached: Reached, keys: Sequence[str]) -> None:
    bare = find_bare(reached.context)

    async def find(recordset_id: UUID) -> Reached | None:
        return reached if recordset_id == reached.recordset.id else await bare(recordset_id)

    builder = Builder(find)
    for key in keys:
        field = reached.recordset.by_key[key]
        try:
            await builder.compute_field(reached, field)
        except Broken as fault:
            raise _refuse(field, str(fault), position=fault.position) from None
        await _check_known(reached, field, find)


async def _check_known(reached: Reached, field: Field, find: Any) -> None:
    """Refuse what is made of a field that the caller may not know of."""
    if field.type not in {"lookup", "rollup"}:
        return
    link = reached.recordset.by_key[field.options["link"]]
    target: Reached = await find(UUID(link.options["recordset"]))
    if field.options["field"] in target.mask.hidden:
        raise _refuse(field, f"There is no field {field.options['field']!r}.")


def _refuse(field: Field, reason: str, *, option: str | None = None, position: int | None = None) -> Exception:
    place = {} if position is None else {"position": position}
    return FieldOptionsInvalid(reason, field=field.key, option=option or _OPTION[field.type], **place)
