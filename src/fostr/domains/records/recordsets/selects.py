"""Fields of type `select` as other parts of the product build upon them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.recordsets.definition import FieldOptionsInvalid, ResyncUnderWay, TooManyFields
from fostr.domains.records.recordsets.schemas import FieldOptions, FieldUpdate, RecordsetUpdate
from fostr.domains.records.recordsets.service import update_recordset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.recordsets.reach import Reached

SELECT_FIELD_REFUSALS: Final = (FieldReadOnly, TooManyFields, FieldOptionsInvalid, ResyncUnderWay)
"""What may stand in the way of a new field, or of more choices of one."""


@dataclass(frozen=True, slots=True)
class SelectField:
    """A field whose values are some of its choices; without any, every text is one."""

    key: str
    name: str
    choices: tuple[str, ...]


def find_select(reached: Reached, key: str) -> SelectField | None:
    """Return a field of type `select` that the caller may know of."""
    entry = reached.recordset.by_key.get(key)
    if entry is None or entry.type != "select" or key in reached.mask.hidden:
        return None
    return SelectField(entry.key, entry.name, tuple(entry.options.get("choices") or ()))


async def save_select(
    reached: Reached, *, key: str | None, name: str, choices: Sequence[str], colors: Mapping[str, str]
) -> SelectField:
    """Give a field the choices that it lacks, or make one with them, and return it.

    Raises:
        FieldReadOnly, TooManyFields, FieldOptionsInvalid, ResyncUnderWay: by what they say.
    """
    known = {entry.key for entry in reached.recordset.fields}
    data = _new(name, choices, colors) if key is None else _widened(reached, key, choices, colors)
    if data is not None:
        reached = await update_recordset(reached, data=RecordsetUpdate(fields=[data]), expected_version=None)
    made = key or next(entry.key for entry in reached.recordset.fields if entry.key not in known)
    found = find_select(reached, made)
    assert found is not None  # noqa: S101 - it was written a statement ago
    return found


def _new(name: str, choices: Sequence[str], colors: Mapping[str, str]) -> FieldUpdate:
    return FieldUpdate(name=name, type="select", options=FieldOptions(choices=[*choices], colors={**colors}))


def _widened(reached: Reached, key: str, choices: Sequence[str], colors: Mapping[str, str]) -> FieldUpdate | None:
    options = reached.recordset.by_key[key].options
    present: list[str] = options.get("choices") or []
    lacking = [choice for choice in choices if choice not in present]
    if not lacking or not present:
        # Where any text is a choice, none is lacking.
        return None
    added = {choice: color for choice, color in colors.items() if choice in lacking}
    merged: dict[str, Any] = {
        **options,
        "choices": [*present, *lacking],
        "colors": {**(options.get("colors") or {}), **added},
    }
    return FieldUpdate(key=key, options=FieldOptions.model_validate(merged))
