"""What a recordset is made of: its fields and settings, as they are to be, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.model import Field, Recordset
from fostr.domains.records.fields.options import OptionRefused
from fostr.domains.records.fields.promotion import SLOTS, Wish, choose_promotions
from fostr.domains.records.fields.shaping import FieldReadOnly, check_typed
from fostr.domains.records.fields.types import TYPES, ValueRefused
from fostr.domains.records.recordsets.rules import make_key
from fostr.domains.records.recordsets.schemas import FieldCreate
from fostr.kernel.access.evaluator import FieldMask
from fostr.kernel.http.errors import Conflict, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

    from fostr.domains.records.recordsets.schemas import FieldUpdate, RecordsetUpdate

MOST_FIELDS: Final = 500
NUMBERED: Final = "autonumber"
TITLE_KINDS: Final = frozenset({"text", "number", "time"})
_PLACE_TYPES: Final = {
    "lat_field": frozenset({"number"}),
    "lng_field": frozenset({"number"}),
    "location_field": frozenset({"location"}),
    "geometry_field": frozenset({"geometry"}),
}


class TooManyFields(Unprocessable):
    """A recordset has room for so many fields only."""

    code = "too_many_fields"
    detail = f"A recordset has at most {MOST_FIELDS} fields."


class DuplicateFieldKey(Unprocessable):
    """Two fields would have the same key."""

    code = "duplicate_field_key"
    detail = "Two fields cannot have the same key."


class FieldUnknown(Unprocessable):
    """A field is named that the recordset does not have."""

    code = "field_unknown"
    detail = "There is no such field."


class FieldTypeFixed(Unprocessable):
    """Values of the one type cannot become such of the other."""

    code = "field_type_fixed"
    detail = "The field cannot get this type; add another field."


class RetypingUnderWay(Conflict):
    """A job is giving the field another type."""

    code = "retyping_under_way"
    detail = "The field is getting another type; wait until it has, or call that off."


class FieldOptionsInvalid(Unprocessable):
    """A field has an option that its type does not know."""

    code = "field_options_invalid"
    detail = "The option does not belong to this type of field."


class SettingsInvalid(Unprocessable):
    """The settings name a field that cannot serve."""

    code = "settings_invalid"
    detail = "The settings name a field that cannot serve for this."


class MapSettingsRequired(Unprocessable):
    """A map needs to know where records lie."""

    code = "map_settings_required"
    detail = "Say in settings.map which fields hold the place."


class ResyncUnderWay(Conflict):
    """Records may still be called by, or found by, what the field holds."""

    code = "resync_under_way"
    detail = "A hidden field can be removed once all records are in step."


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to a recordset's definition.

    Attributes:
        recordset: as it becomes.
        written: fields that are new or changed.
        released: fields that give up their promoted column.
        removed: fields that go.
        is_reshaped: whether records are kept in another way from now on.
        needs_resync: whether records that there are already must be brought in step.
        numbered: new fields whose values are numbers, which the records that there are get as well.
    """

    recordset: Recordset
    written: tuple[Field, ...]
    released: tuple[UUID, ...]
    removed: tuple[Field, ...]
    is_reshaped: bool
    needs_resync: bool
    numbered: tuple[Field, ...] = ()


def define_fields(given: Sequence[FieldCreate]) -> tuple[Field, ...]:
    """Return the fields of a new recordset.

    Raises:
        TooManyFields: there are more than `MOST_FIELDS`.
        DuplicateFieldKey: two have the same key.
        FieldOptionsInvalid: one has an option of another type.
        PromotionUnavailable: one is to be promoted and cannot be.
    """
    check_count(given)
    added = _new_fields(given, keys=set())
    wishes = [Wish(field.key, field.type, entry.is_promoted) for field, entry in zip(added, given, strict=True)]
    slots = choose_promotions(wishes)
    return tuple(
        replace(field, position=position, promoted_to=slots.get(field.key)) for position, field in enumerate(added)
    )


def check_count(fields: Sequence[object]) -> None:
    """Refuse more fields than a recordset has room for."""
    if len(fields) > MOST_FIELDS:
        raise TooManyFields(limit=MOST_FIELDS, count=len(fields))


def _new_fields(given: Iterable[FieldCreate], *, keys: set[str]) -> list[Field]:
    entries = list(given)
    explicit = [entry.key for entry in entries if entry.key is not None]
    for key in explicit:
        if key in keys:
            raise DuplicateFieldKey(field=key)
        keys.add(key)
    added: list[Field] = []
    for entry in entries:
        key = entry.key or make_key(entry.name, keys)
        keys.add(key)
        added.append(_new_field(entry, key=key))
    return added


def _new_field(entry: FieldCreate, *, key: str) -> Field:
    return Field(
        id=new_id(),
        key=key,
        name=entry.name,
        type=entry.type,
        position=0,
        is_required=entry.is_required,
        options=check_options(key, entry.type, entry.options.model_dump(exclude_none=True)),
        hidden_from=frozenset(entry.hidden_from),
        read_only_for=frozenset(entry.read_only_for),
        promoted_to=None,
    )


def check_options(key: str, type: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return a field's options as they are kept.

    Raises:
        FieldOptionsInvalid: one does not belong to the type, does not fit the others, or is a default value that the
            field would not take.
    """
    field_type = TYPES[type]
    for option in options:
        if option not in field_type.options:
            raise FieldOptionsInvalid(field=key, option=option)
    try:
        settled = field_type.settle(options)
        if "default" not in settled:
            return settled
        return {**settled, "default": check_typed(field_type.check, settled["default"], settled)}
    except OptionRefused as refusal:
        raise FieldOptionsInvalid(str(refusal), field=key, option=refusal.option) from None
    except ValueRefused as refusal:
        raise FieldOptionsInvalid(f"The default value {refusal}.", field=key, option="default") from None


def check_settings(recordset: Recordset) -> None:
    """Refuse settings that name fields which are not there, hold something else, or are hidden from anybody.

    A record's title and place are shown to all who may see the record, so they are never made of hidden values.

    Raises:
        SettingsInvalid: naming the setting and the field.
        MapSettingsRequired: the recordset is a map, and nothing says where its records lie.
    """
    title = recordset.settings.get("title_field")
    if title is not None:
        _check_reference(recordset, "title_field", title, [name for name, t in TYPES.items() if t.kind in TITLE_KINDS])
    places: dict[str, str] = recordset.settings.get("map") or {}
    for setting, key in places.items():
        _check_reference(recordset, f"map.{setting}", key, _PLACE_TYPES[setting])
    if recordset.mode == "map" and not places:
        raise MapSettingsRequired


def _check_reference(recordset: Recordset, setting: str, key: str, types: Collection[str]) -> None:
    field = recordset.by_key.get(key)
    if field is None:
        raise SettingsInvalid(f"There is no field {key!r}.", setting=setting, field=key)
    if field.type not in types:
        raise SettingsInvalid(f"Field {key!r} is of type {field.type}.", setting=setting, field=key)
    if field.hidden_from:
        raise SettingsInvalid(f"Field {key!r} is hidden from some roles.", setting=setting, field=key)


def plan_change(recordset: Recordset, data: RecordsetUpdate, *, mask: FieldMask) -> Change:
    """Return what an update does to the definition of a recordset.

    Args:
        recordset: as it is, under its lock.
        data: what is to change; fields whose type differs keep theirs, and their options (see `retyping`).
        mask: fields that are hidden from the caller are unknown here too; and nobody lifts what binds themselves.

    Raises:
        FieldUnknown: a field is named that is not there, or that the caller may not know of.
        RetypingUnderWay: a field would go or get other options that is getting another type.
        FieldReadOnly: the caller would change the rights on a field that they may not change, or remove it.
        ResyncUnderWay: a hidden field would be removed while records are not in step.
        TooManyFields, DuplicateFieldKey, FieldOptionsInvalid, PromotionUnavailable, SettingsInvalid,
        MapSettingsRequired: as for a new recordset.
    """
    mask = bound_by(recordset, mask)
    removed = _removed(recordset, data.remove_fields, mask)
    kept = [field for field in recordset.fields if field not in removed]
    known = {field.key: field for field in kept if field.key not in mask.hidden}
    changes = _by_key(entry for entry in data.fields if entry.key in known)
    additions = [entry for entry in data.fields if entry.key not in known]
    changed = [_changed(field, changes[field.key], mask) if field.key in changes else field for field in kept]
    taken_keys = {field.key for field in recordset.fields} | set(recordset.removed)
    check_count([*changed, *additions])
    added = _new_fields([_as_new(entry) for entry in additions], keys=taken_keys)
    wanted = {key: entry.is_promoted for key, entry in changes.items()}
    wanted |= {field.key: entry.is_promoted for field, entry in zip(added, additions, strict=True)}
    promoted = _promote(recordset, changed, added, wanted)
    ordered = _in_order(promoted, data.field_order, mask)
    settings = _settings(recordset.settings, data)
    becomes = replace(recordset, fields=ordered, settings=settings, mode=data.mode or recordset.mode)
    return _describe(recordset, becomes, removed)


def bound_by(recordset: Recordset, mask: FieldMask) -> FieldMask:
    """Return the mask by which the definitions of fields are kept: nobody writes values that are computed.

    Their definition may be changed all the same.
    """
    return FieldMask(hidden=mask.hidden, read_only=mask.read_only - recordset.unwritten)


def _removed(recordset: Recordset, keys: Sequence[str], mask: FieldMask) -> tuple[Field, ...]:
    for key in keys:
        if key not in recordset.by_key or key in mask.hidden:
            raise FieldUnknown(field=key)
        if key in mask.read_only:
            raise FieldReadOnly(field=key)
        if recordset.by_key[key].retyping:
            raise RetypingUnderWay(field=key)
        if recordset.by_key[key].hidden_from and not recordset.is_in_step:
            # Once it is gone, nobody would know any more from whom to keep the titles that are made of it.
            raise ResyncUnderWay(field=key)
    going = set(keys)
    return tuple(field for field in recordset.fields if field.key in going)


def _by_key(entries: Iterable[FieldUpdate]) -> dict[str, FieldUpdate]:
    changes: dict[str, FieldUpdate] = {}
    for entry in entries:
        key = entry.key or ""
        if key in changes:
            raise DuplicateFieldKey(field=key)
        changes[key] = entry
    return changes


def _as_new(entry: FieldUpdate) -> FieldCreate:
    if entry.name is None or entry.type is None:
        raise FieldUnknown("There is no such field; a new one needs a name and a type.", field=entry.key)
    return FieldCreate.model_validate(entry.model_dump(exclude_none=True, exclude={"accept_loss"}))


def _changed(field: Field, entry: FieldUpdate, mask: FieldMask) -> Field:
    rights = (
        field.hidden_from if entry.hidden_from is None else frozenset(entry.hidden_from),
        field.read_only_for if entry.read_only_for is None else frozenset(entry.read_only_for),
    )
    if field.key in mask.read_only and rights != (field.hidden_from, field.read_only_for):
        raise FieldReadOnly(field=field.key)
    options = field.options
    if entry.options is not None and entry.type in (None, field.type):
        if field.retyping:
            raise RetypingUnderWay(field=field.key)
        options = check_options(field.key, field.type, entry.options.model_dump(exclude_none=True))
    return replace(
        field,
        name=entry.name or field.name,
        is_required=field.is_required if entry.is_required is None else entry.is_required,
        options=options,
        hidden_from=rights[0],
        read_only_for=rights[1],
        promoted_to=None if entry.is_promoted is False else field.promoted_to,
        filling=None if entry.is_promoted is False else field.filling,
    )


def _promote(
    recordset: Recordset, kept: Sequence[Field], added: Sequence[Field], wanted: dict[str, bool | None]
) -> list[Field]:
    """Give promoted columns to the fields that get one.

    A column is read at once when it has nothing in it, as for a new field; otherwise it is filled first.
    """
    taken = {field.slot for field in kept if field.slot}
    used = {field.slot for field in recordset.fields if field.slot}
    stale = used - taken if recordset.is_in_step else {slot for slots in SLOTS.values() for slot in slots}
    old = [Wish(field.key, field.type, wanted=True) for field in kept if wanted.get(field.key) and not field.slot]
    new = [Wish(field.key, field.type, wanted=wanted.get(field.key)) for field in added]
    slots = choose_promotions([*old, *new], taken=taken, stale=stale)
    clean = {field.key for field in added if slots.get(field.key) not in stale and field.type != NUMBERED}
    return [_with_slot(field, slots.get(field.key), is_clean=field.key in clean) for field in (*kept, *added)]


def _with_slot(field: Field, slot: str | None, *, is_clean: bool) -> Field:
    if slot is None:
        return field
    return replace(field, promoted_to=slot) if is_clean else replace(field, filling=slot)


def _in_order(fields: Sequence[Field], first: Sequence[str], mask: FieldMask) -> tuple[Field, ...]:
    known = {field.key for field in fields} - mask.hidden
    for key in first:
        if key not in known:
            raise FieldUnknown(field=key)
    places = {key: place for place, key in enumerate(dict.fromkeys(first))}
    ordered = sorted(fields, key=lambda field: places.get(field.key, len(places)))
    return tuple(replace(field, position=position) for position, field in enumerate(ordered))


def _settings(settings: dict[str, Any], data: RecordsetUpdate) -> dict[str, Any]:
    if data.settings is None:
        return settings
    sent = data.settings.model_dump(include=data.settings.model_fields_set, exclude_none=False)
    return clean_settings({**settings, **sent})


def clean_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without what is not set."""
    kept = {key: value for key, value in settings.items() if value is not None}
    if "map" in kept:
        kept["map"] = {key: value for key, value in kept["map"].items() if value is not None}
    return kept


def _describe(before: Recordset, after: Recordset, removed: tuple[Field, ...]) -> Change:
    old = {field.id: field for field in before.fields}
    check_settings(after)
    is_reshaped = bool(removed) or shape_of(before) != shape_of(after)
    numbered = tuple(field for field in after.fields if field.type == NUMBERED and field.id not in old)
    return Change(
        recordset=after,
        written=tuple(field for field in after.fields if field != old.get(field.id)),
        released=tuple(field.id for field in after.fields if _releases(old.get(field.id), field)),
        removed=removed,
        is_reshaped=is_reshaped,
        needs_resync=is_reshaped
        and bool(removed or numbered or not before.is_in_step or _moves_records(before, after)),
        numbered=numbered,
    )


def _releases(before: Field | None, after: Field) -> bool:
    return before is not None and before.slot is not None and before.slot != after.slot


def shape_of(recordset: Recordset, *, without: Collection[str] = ()) -> tuple[object, ...]:
    """Return everything about a recordset that decides how a record with given values is kept."""
    fields = [field for field in recordset.fields if field.key not in without]
    title = recordset.title_field
    return (
        title.key if title and title.key not in without else None,
        recordset.settings.get("map"),
        {field.key: field.slot for field in fields if field.slot},
        {field.key for field in fields if field.is_searchable},
        {field.key for field in fields if field.type == NUMBERED},
    )


def _moves_records(before: Recordset, after: Recordset) -> bool:
    """Say whether records that there are would be kept differently: what is new has no values in them yet."""
    added = after.by_key.keys() - before.by_key.keys()
    return shape_of(before) != shape_of(after, without=added) or any(field.filling for field in after.fields)
