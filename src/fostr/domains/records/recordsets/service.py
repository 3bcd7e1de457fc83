"""Make, list, show and change recordsets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.model import Recordset
from fostr.domains.records.links.settling import Settled, settle_links
from fostr.domains.records.numbering import service as numbering
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets import repository, schemas
from fostr.domains.records.recordsets.definition import (
    Change,
    check_settings,
    clean_settings,
    define_fields,
    plan_change,
)
from fostr.domains.records.recordsets.reach import Reached, RecordsetNotFound, list_limited, reach_recordset
from fostr.domains.records.recordsets.resync import service as resync
from fostr.domains.records.recordsets.retyping import service as retyping
from fostr.domains.records.recordsets.retyping.planning import Wanted
from fostr.domains.records.recordsets.rules import free_slug, is_reserved, make_slug
from fostr.domains.records.rules.fitting import check_rules_fit
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.access.catalogue import ROLES
from fostr.kernel.access.evaluator import FieldMask, Standing, decide, predicate
from fostr.kernel.events import outbox
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import Conflict, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from fostr.domains.records.fields.model import Field
    from fostr.kernel.access.access import Access
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice

PERMISSIONS: Final[dict[str, tuple[str, bool]]] = {
    "can_view": ("view", False),
    "can_create": ("create", False),
    "can_edit": ("edit", False),
    "can_edit_own": ("edit", True),
    "can_delete": ("delete", False),
    "can_delete_own": ("delete", True),
    "can_comment": ("comment", False),
    "can_import": ("import", False),
    "can_export": ("export", False),
    "can_admin": ("administer", False),
    "can_delete_recordset": ("delete_recordset", False),
}
"""Each permission that callers are told of: the action that it stands for, and whether on their own records only."""

_COLUMNS: Final = ("name", "description", "type", "icon", "color", "is_active")
_CLEARABLE: Final = frozenset({"icon", "color"})
_UNTOLD: Final = frozenset({"position", "is_read_only", "becomes", "problem"})
"""What of a field's definition no event tells."""


class SlugTaken(Conflict):
    """Another recordset has the slug, maybe one in the trash."""

    code = "recordset_slug_taken"
    detail = "Another recordset has this slug, maybe one in the trash."


class SlugReserved(Unprocessable):
    """An address with the slug would mean something else."""

    code = "recordset_slug_reserved"
    detail = "This slug is reserved."


class RoleInvalid(Unprocessable):
    """A field's rights name a role that there is not, or the owner's, from whom nothing is kept."""

    code = "role_invalid"
    detail = "A field cannot be kept from this role."


async def list_recordsets(
    context: Context, *, part: Slice, search: str | None, type: str | None, is_active: bool | None
) -> Page[schemas.RecordsetSummary]:
    """Return the recordsets that the caller may see."""
    allowed = predicate(context.access, RECORDSET_POLICY, "view", column="s.id")
    listing = repository.Listing(allowed=allowed, search=search, type=type, is_active=is_active)
    limited = {reached.recordset.id for reached in await list_limited(context) if reached.is_restricted()}
    member_id = context.member_id
    rows = await repository.list_recordsets(
        context.unit, listing, member_id=member_id, limit=part.limit, offset=part.offset
    )
    total = await repository.count_recordsets(context.unit, listing)
    return part.page([_summary(context.access, dict(row), limited=limited) for row in rows], total=total)


def _summary(access: Access, row: dict[str, Any], *, limited: Collection[UUID]) -> schemas.RecordsetSummary:
    standing = Standing(owns_object=row["owner_id"] == access.member_id, grants=frozenset(row["granted"]))
    shown = {**row, "permissions": list_permissions(access, standing)}
    if row["id"] in limited:
        shown["record_count"] = None
    return schemas.RecordsetSummary.model_validate(shown)


def list_permissions(access: Access, standing: Standing) -> schemas.RecordsetPermissions:
    """Return what a caller may do in a recordset to which they stand so."""
    allowed = {
        name: bool(decide(access, RECORDSET_POLICY, action, standing=standing, is_own=is_own))
        for name, (action, is_own) in PERMISSIONS.items()
    }
    return schemas.RecordsetPermissions(**allowed)


def report_permissions(target: Reached) -> schemas.PermissionReport:
    """Return what the caller may do, and why; nothing at all for who may not see the recordset."""
    decisions = {name: target.explain(action, is_own=own) for name, (action, own) in PERMISSIONS.items()}
    view = decisions["can_view"]
    if not view:
        decisions = dict.fromkeys(decisions, view)
    return schemas.PermissionReport(
        recordset_id=target.recordset.id,
        is_owner=target.standing.owns_object,
        permissions=schemas.RecordsetPermissions(**{name: bool(entry) for name, entry in decisions.items()}),
        reasons=schemas.PermissionReasons(**{name: entry.reason for name, entry in decisions.items()}),
    )


async def show_recordset(target: Reached) -> schemas.Recordset:
    """Return a recordset as its caller may know it."""
    profile = await repository.get_profile(target.unit, target.recordset.id)
    if target.is_restricted():
        profile["record_count"] = None
    return schemas.Recordset.model_validate(
        {
            **profile,
            "permissions": list_permissions(target.context.access, target.standing),
            "fields": [
                _definition(field, is_read_only=field.key in target.mask.read_only)
                for field in target.recordset.fields
                if field.key not in target.mask.hidden
            ],
            "is_in_step": target.recordset.is_in_step,
        }
    )


def _definition(field: Field, *, is_read_only: bool) -> dict[str, Any]:
    return {
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "position": field.position,
        "is_required": field.is_required,
        "options": field.options,
        "hidden_from": sorted(field.hidden_from),
        "read_only_for": sorted(field.read_only_for),
        "is_promoted": field.slot is not None,
        "is_read_only": is_read_only,
        "problem": field.computed.problem if field.computed else None,
        "becomes": field.retyping["type"] if field.retyping else None,
    }


async def create_recordset(context: Context, *, data: schemas.RecordsetCreate) -> Reached:
    """Make a recordset that belongs to the caller.

    Raises:
        SlugTaken: the slug was said, and another recordset has it.
        SlugReserved: the slug was said, and would mean something else.
        RoleInvalid: a field is kept from a role that there is not.
        TooManyFields, DuplicateFieldKey, FieldOptionsInvalid, PromotionUnavailable, SettingsInvalid,
        MapSettingsRequired: by what they say.
    """
    fields = define_fields(data.fields)
    await _check_roles(context, data.fields)
    recordset = _draft(context, data, fields)
    check_settings(recordset)
    settled = await settle_links(_own(context, recordset), before=None)
    values = data.model_dump(include={"name", "description", "type", "mode", "icon", "color"})
    values |= {
        "id": recordset.id,
        "settings": recordset.settings,
        "member": context.member_id,
        "now": context.now,
    }
    await _insert(context, values, wanted=data.slug)
    if fields:
        await repository.save_fields(context.unit, recordset.id, settled.recordset.fields)
    await _add_inverses(context, settled)
    reached = await reach_recordset(context, recordset.id, None)
    profile = await repository.get_profile(context.unit, recordset.id)
    await record_change(reached, "created", after=facts(profile, reached.recordset.fields))
    return reached


def _own(context: Context, recordset: Recordset) -> Reached:
    """Return a recordset that is about to be made, as whoever makes it stands to it."""
    standing = Standing(owns_object=True, grants=frozenset())
    mask = FieldMask(hidden=frozenset(), read_only=frozenset())
    return Reached(context=context, recordset=recordset, standing=standing, mask=mask)


async def _add_inverses(context: Context, settled: Settled) -> None:
    """Add the backlinks that new links ask for to the recordsets to which they lead."""
    for inverse in settled.inverses:
        options = schemas.FieldOptions(recordset=str(settled.recordset.id), field=inverse.key)
        added = schemas.FieldUpdate(name=inverse.name, type="backlink", options=options)
        target = await reach_recordset(context, inverse.target_id, "administer")
        await change_recordset(target, data=schemas.RecordsetUpdate(fields=[added]), expected_version=None)


def _draft(context: Context, data: schemas.RecordsetCreate, fields: tuple[Field, ...]) -> Recordset:
    return Recordset(
        id=new_id(),
        slug="",
        name=data.name,
        mode=data.mode,
        settings=clean_settings(data.settings.model_dump()),
        owner_id=context.member_id,
        version=1,
        deleted=False,
        fields=fields,
    )


async def _insert(context: Context, values: Mapping[str, Any], *, wanted: str | None) -> None:
    if wanted is not None:
        if is_reserved(wanted):
            raise SlugReserved
        if not await repository.insert_recordset(context.unit, {**values, "slug": wanted}):
            raise SlugTaken(slug=wanted)
        return
    made = make_slug(values["name"])
    inserted = False
    while not inserted:
        # The insert waits for a twin that is under way, and fails once it has committed: then the next number is free.
        slug = free_slug(made, await repository.list_slugs(context.unit, made))
        inserted = await repository.insert_recordset(context.unit, {**values, "slug": slug})


async def _check_roles(context: Context, fields: Iterable[schemas.FieldCreate | schemas.FieldUpdate]) -> None:
    named = {role for field in fields for role in (*(field.hidden_from or ()), *(field.read_only_for or ()))}
    if "owner" in named:
        raise RoleInvalid("Owners see and change every field.", role="owner")
    unknown = named - set(ROLES)
    if unknown:
        unknown -= await repository.list_custom_roles(context.unit, workspace_id=context.workspace_id)
    if unknown:
        raise RoleInvalid("The workspace has no such role.", role=min(unknown))


async def update_recordset(target: Reached, *, data: schemas.RecordsetUpdate, expected_version: int | None) -> Reached:
    """Change a recordset, its fields and settings; records that there are follow, now or by a job.

    Raises:
        StaleUpdate: it is not the version that the caller saw.
        RoleInvalid: a field is kept from a role that there is not.
        TypeChangeLosesValues: values of a field would be lost by its new type.
        RetypingUnderWay,
        FieldUnknown, FieldTypeFixed, FieldReadOnly, TooManyFields, DuplicateFieldKey, FieldOptionsInvalid,
        PromotionUnavailable, SettingsInvalid, MapSettingsRequired: by what they say.
    """
    updated, _ = await change_recordset(target, data=data, expected_version=expected_version)
    return updated


async def change_recordset(
    target: Reached, *, data: schemas.RecordsetUpdate, expected_version: int | None, by_job: bool = False
) -> tuple[Reached, UUID | None]:
    """Change a recordset, and return it with the job that brings its records in step, if there is one.

    With `by_job`, there always is.
    """
    current = await _lock(target)
    before = current.recordset
    check_version(expected=expected_version or data.expected_version, current=before.version)
    await _check_roles(current.context, data.fields)
    change = plan_change(before, data, mask=current.mask)
    settled = await settle_links(replace(current, recordset=change.recordset), before=before)
    change = _settled(change, settled.recordset)
    if change.recordset.fields != before.fields:
        await check_rules_fit(current.context, change.recordset)
    was = await repository.get_profile(current.unit, before.id)
    values = _changed_columns(was, data)
    wanted = _wanted_types(before, data)
    is_same = change.recordset == before and all(was[column] == values[column] for column in _COLUMNS)
    job_id = None
    if not is_same:
        job_id = await _apply(current, change, was, values, by_job=by_job)
    elif by_job:
        job_id = await resync.dispatch_resync(current.context, before)
    for entry in wanted:
        job_id = await retyping.change_type(await reach_recordset(current.context, before.id, None), entry) or job_id
    return await reach_recordset(current.context, before.id, None), job_id


async def _apply(
    current: Reached, change: Change, was: dict[str, Any], values: Mapping[str, Any], *, by_job: bool
) -> UUID | None:
    await _write(current, change, values)
    job_id = await _follow(current, change, by_job=by_job)
    await workspaces.bump_rights_epoch(current.unit, workspace_id=current.context.workspace_id)
    updated = await reach_recordset(current.context, current.recordset.id, None)
    await _record_update(updated, was, current.recordset)
    return job_id


def _wanted_types(recordset: Recordset, data: schemas.RecordsetUpdate) -> list[Wanted]:
    """Return the fields that are to get another type than they have, or are getting."""
    wanted: list[Wanted] = []
    for entry in data.fields:
        field = recordset.by_key.get(entry.key or "")
        coming = field.retyping["type"] if field is not None and field.retyping else None
        if field is None or entry.type in {None, field.type, coming}:
            continue
        options = None if entry.options is None else entry.options.model_dump(exclude_none=True)
        wanted.append(Wanted(field.key, str(entry.type), options, accept_loss=entry.accept_loss))
    return wanted


async def call_off_retyping(target: Reached, *, key: str) -> None:
    """End a type change that a job has not finished.

    Raises:
        FieldUnknown: there is no such field, or the caller may not know of it.
    """
    await retyping.call_off(await _lock(target), key=key)


def _settled(change: Change, recordset: Recordset) -> Change:
    return replace(change, recordset=recordset, written=tuple(recordset.by_key[field.key] for field in change.written))


async def _lock(target: Reached) -> Reached:
    """Return the recordset as it is now, with its row locked: what the guard read may be over."""
    if not await repository.lock_for_change(target.unit, target.recordset.id):
        raise RecordsetNotFound
    return await reach_recordset(target.context, target.recordset.id, "administer")


def _changed_columns(was: dict[str, Any], data: schemas.RecordsetUpdate) -> dict[str, Any]:
    sent = data.model_dump(include=data.model_fields_set & set(_COLUMNS))
    kept = {name: value for name, value in sent.items() if value is not None or name in _CLEARABLE}
    return {column: kept.get(column, was[column]) for column in _COLUMNS}


async def _write(current: Reached, change: Change, values: Mapping[str, Any]) -> None:
    unit, before, after = current.unit, current.recordset, change.recordset
    if change.is_reshaped:
        version = before.fields_version + 1
        after = replace(
            after,
            fields_version=version,
            synced_version=before.synced_version if change.needs_resync else version,
        )
    now = current.context.now
    await repository.update_recordset(unit, after, {**values, "now": now})
    if change.released:
        await repository.release_columns(unit, change.released)
    if change.removed:
        await repository.mark_fields_removed(unit, [field.id for field in change.removed], now=now)
    if change.written:
        await repository.save_fields(unit, before.id, change.written)


async def _follow(current: Reached, change: Change, *, by_job: bool) -> UUID | None:
    """Bring the records in step with a change that was written."""
    context = current.context
    becomes = await repository.find_definition(context.unit, current.recordset.id)
    assert becomes is not None  # noqa: S101 - its row is locked
    if change.numbered:
        numbered = [becomes.by_key[field.key] for field in change.numbered]
        return await numbering.follow_addition(context, becomes, numbered)
    if by_job:
        return await resync.dispatch_resync(context, becomes)
    if not change.needs_resync:
        return None
    return await resync.follow_change(context, becomes)


async def _record_update(updated: Reached, was: dict[str, Any], before: Recordset) -> None:
    now = await repository.get_profile(updated.unit, before.id)
    fields_differ = updated.recordset.fields != before.fields
    await record_change(
        updated,
        "updated",
        before=facts(was, before.fields if fields_differ else None),
        after=facts(now, updated.recordset.fields if fields_differ else None),
    )


def facts(profile: dict[str, Any], fields: tuple[Field, ...] | None = None) -> dict[str, Any]:
    """Return what events tell of a recordset."""
    names = ("slug", "name", "description", "type", "mode", "icon", "color", "settings", "owner_id", "is_active")
    told = {name: profile[name] for name in names}
    if fields is not None:
        told["fields"] = [_facts_of_field(field) for field in fields]
    return told


def _facts_of_field(field: Field) -> dict[str, Any]:
    definition = _definition(field, is_read_only=False)
    return {name: value for name, value in definition.items() if name not in _UNTOLD}


async def record_change(
    target: Reached, happened: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> None:
    """Record that something happened to a recordset."""
    await outbox.record(
        target.context,
        type=f"recordset.{happened}",
        entity="recordset",
        entity_id=target.recordset.id,
        before=before,
        after=after,
    )


async def enable_map(target: Reached, *, places: schemas.MapSettings) -> tuple[Reached, UUID]:
    """Show a recordset on a map, and place its records by a job.

    Raises:
        SettingsInvalid: a field cannot say where a record lies.
    """
    data = schemas.RecordsetUpdate(mode="map", settings=schemas.RecordsetSettings(map=places))
    updated, job_id = await change_recordset(target, data=data, expected_version=None, by_job=True)
    assert job_id is not None  # noqa: S101 - asked for
    return updated, job_id
