"""What happens to saved views: who may, what is written, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.recordsets.reach import RecordsetNotFound, check_action
from fostr.domains.records.recordsets.repository import lock_for_change, lock_recordset
from fostr.domains.records.views import repository
from fostr.domains.records.views.config import (
    LAYOUTS,
    check_config,
    check_layout,
    merge_config,
    parts_sent,
    parts_unseen,
    prune_config,
)
from fostr.domains.records.views.facts import facts_of
from fostr.domains.records.views.schemas import View, ViewConfig, ViewCreate, ViewOwner
from fostr.kernel.access.evaluator import is_own
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.views.schemas import ViewDuplicate, ViewUpdate
    from fostr.kernel.http.paging import Page, Slice

MOST_VIEWS: Final = 2_000
LONGEST_NAME: Final = 200
_PLAIN: Final = ("name", "type", "description", "visibility")


class ViewNotFound(NotFound):
    """The recordset has no such view, or it is somebody else's own."""

    code = "view_not_found"
    detail = "The recordset has no such view."


class ViewLocked(Forbidden):
    """The view is locked, by somebody else."""

    code = "view_locked"
    detail = "This view is locked: whoever locked it, and those who administer the recordset, may change it."


class ViewNotOwn(Forbidden):
    """Somebody else's view cannot be taken from everybody."""

    code = "view_not_own"
    detail = "Only its owner may make a view personal."


class ViewPartHidden(Forbidden):
    """A part of the view rests on what is hidden from the caller."""

    code = "view_part_hidden"
    detail = "This part of the view rests on what is hidden from you, so you may not change it."


class DefaultNotShared(Unprocessable):
    """A personal view cannot be what everybody sees first."""

    code = "default_view_not_shared"
    detail = "The default view of a recordset is a shared one."


class TooManyViews(Conflict):
    """The recordset has as many views as there may be."""

    code = "too_many_views"
    detail = f"A recordset has at most {MOST_VIEWS} views."


async def list_views(target: Reached, *, part: Slice) -> Page[View]:
    """Return a part of the views that the caller sees."""
    context, recordset_id = target.context, target.recordset.id
    rows = await repository.list_views(
        target.unit,
        recordset_id,
        member_id=context.member_id,
        now=context.now,
        limit=part.limit,
        offset=part.offset,
    )
    total = await repository.count_views(target.unit, recordset_id, member_id=context.member_id)
    return part.page([show_view(target, row) for row in rows], total=total)


async def get_view(target: Reached, view_id: UUID) -> View:
    """Return one view.

    Raises:
        ViewNotFound: the recordset has no such view, or it is somebody else's own.
    """
    return show_view(target, await find_row(target, view_id))


async def find_row(target: Reached, view_id: UUID, *, lock: bool = False) -> asyncpg.Record:
    """Return a view that the caller sees, as it is kept.

    Raises:
        ViewNotFound: the recordset has no such view, or it is somebody else's own.
    """
    context = target.context
    row = await repository.find_view(
        target.unit,
        view_id,
        recordset_id=target.recordset.id,
        member_id=context.member_id,
        now=context.now,
        lock=lock,
    )
    if row is None:
        raise ViewNotFound
    return row


async def create_view(target: Reached, *, data: ViewCreate) -> View:
    """Save a view.

    Raises:
        ViewConfigInvalid: its configuration does not fit the recordset.
        DefaultNotShared: it is to be the default, and personal.
        TooManyViews: there are too many already.
        ActionForbidden: it is to be shared, or the default, and the caller may not do that.
    """
    _check_may_make(target, visibility=data.visibility, is_default=data.is_default)
    sent = parts_sent(data.config)
    check_config(data.type, sent, recordset=target.recordset, mask=target.mask)
    check_layout(data.type, sent, recordset=target.recordset)
    return await _insert(target, data, config=sent)


def _check_may_make(target: Reached, *, visibility: str, is_default: bool) -> None:
    check_action(target, "share_views" if visibility == "shared" else "keep_views")
    if not is_default:
        return
    check_action(target, "administer")
    if visibility != "shared":
        raise DefaultNotShared


async def _insert(target: Reached, data: ViewCreate, *, config: dict[str, Any]) -> View:
    context, unit, recordset_id = target.context, target.unit, target.recordset.id
    await _lock(target, is_exclusive=data.is_default or data.position is not None)
    count, last = await repository.measure_views(unit, recordset_id)
    if count >= MOST_VIEWS:
        raise TooManyViews
    if data.is_default:
        await repository.clear_default(unit, recordset_id)
    if data.position is not None:
        await repository.make_room(unit, recordset_id, position=data.position)
    values: dict[str, Any] = {
        **data.model_dump(include={*_PLAIN, "is_default"}),
        "id": new_id(),
        "recordset_id": recordset_id,
        "owner_id": context.member_id,
        "config": config,
        "position": last if data.position is None else data.position,
        "locked_at": context.now if data.is_locked else None,
        "locked_by": context.member_id if data.is_locked else None,
        "created_by": context.member_id,
        "created_at": context.now,
        "updated_by": context.member_id,
        "updated_at": context.now,
    }
    await repository.insert_view(unit, values)
    row = await find_row(target, values["id"])
    await record(context, type="view.created", entity="view", entity_id=row["id"], after=facts_of(row))
    return show_view(target, row)


async def _lock(target: Reached, *, is_exclusive: bool) -> None:
    # Two who make their views the default at the same moment would both take the place of a third.
    lock = lock_for_change if is_exclusive else lock_recordset
    if not await lock(target.unit, target.recordset.id):
        raise RecordsetNotFound


async def update_view(target: Reached, view_id: UUID, *, data: ViewUpdate, expected_version: int | None) -> View:
    """Change a view.

    Raises:
        ViewNotFound: the recordset has no such view.
        ViewLocked: somebody else locked it.
        ViewPartHidden: a part that was sent rests on what is hidden from the caller.
        StaleUpdate: it was changed since the version that the caller saw.
        ViewConfigInvalid: its configuration does not fit.
        ActionForbidden: the caller may not do this to a view that is shared, published or the default.
    """
    context, unit = target.context, target.unit
    if data.is_default is not None or data.position is not None:
        await _lock(target, is_exclusive=True)
    row = await find_row(target, view_id, lock=True)
    check_may_change(target, row)
    check_version(expected=expected_version or data.expected_version, current=row["version"])
    changes = _plan(target, row, data)
    if changes:
        if changes.get("is_default"):
            await repository.clear_default(unit, row["recordset_id"])
        if "position" in changes:
            await repository.make_room(unit, row["recordset_id"], position=changes["position"])
        changes |= {"updated_at": context.now, "updated_by": context.member_id}
        await repository.update_view(unit, view_id, changes)
    after = await find_row(target, view_id)
    if changes:
        await record(
            context,
            type="view.updated",
            entity="view",
            entity_id=view_id,
            before=facts_of(row),
            after=facts_of(after),
        )
    return show_view(target, after)


def check_may_change(target: Reached, row: asyncpg.Record) -> None:
    """Refuse to change a view.

    Raises:
        ActionForbidden: the caller may not change views that everybody sees, or none at all.
        ViewLocked: somebody else locked it, and the caller does not administer the recordset.
    """
    check_action(target, "share_views" if row["visibility"] == "shared" else "keep_views")
    if _is_locked_for(target, row):
        raise ViewLocked


def _is_locked_for(target: Reached, row: asyncpg.Record) -> bool:
    is_locked = row["locked_at"] is not None
    return is_locked and not is_own(target.context.access, row["locked_by"]) and not target.decide("administer")


def _plan(target: Reached, row: asyncpg.Record, data: ViewUpdate) -> dict[str, Any]:
    """Return the columns that change."""
    sent = data.model_dump(include=data.model_fields_set & {*_PLAIN, "is_default", "position"}, exclude_none=True)
    wanted: dict[str, Any] = dict(sent)
    if data.config is not None or data.type is not None:
        wanted["config"] = _merge(target, row, data)
    if data.is_locked is not None and data.is_locked != (row["locked_at"] is not None):
        at, by = (target.context.now, target.context.member_id) if data.is_locked else (None, None)
        wanted |= {"locked_at": at, "locked_by": by}
    changes = {name: value for name, value in wanted.items() if row[name] != value}
    _check_changes(target, row, changes)
    return changes


def _merge(target: Reached, row: asyncpg.Record, data: ViewUpdate) -> dict[str, Any]:
    recordset, mask = target.recordset, target.mask
    kind, sent = data.type or row["type"], {} if data.config is None else parts_sent(data.config)
    check_config(kind, sent, recordset=recordset, mask=mask)
    unseen = parts_unseen(row["config"], recordset=recordset, mask=mask)
    touched = unseen & (sent.keys() | ({row["type"]} if kind != row["type"] else set[str]()))
    if touched:
        raise ViewPartHidden(part=min(touched))
    merged = merge_config(row["config"], sent, recordset=recordset, mask=mask)
    merged = {part: value for part, value in merged.items() if part not in LAYOUTS or part == kind}
    check_layout(kind, merged, recordset=recordset)
    return merged


def _check_changes(target: Reached, row: asyncpg.Record, changes: dict[str, Any]) -> None:
    visibility = changes.get("visibility", row["visibility"])
    is_default = changes.get("is_default", row["is_default"])
    if "visibility" in changes:
        check_action(target, "share_views")
        if visibility == "personal" and not is_own(target.context.access, row["owner_id"]):
            raise ViewNotOwn
    if is_default and visibility != "shared":
        raise DefaultNotShared
    if "is_default" in changes:
        check_action(target, "administer")
    if row["is_published"] and changes.keys() & {"config", "type", "visibility"}:
        # What the whole world sees through a link is not for everybody who may edit records to widen.
        check_action(target, "publish")


async def delete_view(target: Reached, view_id: UUID) -> None:
    """Delete a view, and with it the links that share it.

    Raises:
        ViewNotFound: the recordset has no such view.
        ViewLocked: somebody else locked it.
        ActionForbidden: the caller may not change shared views.
    """
    row = await find_row(target, view_id, lock=True)
    check_may_change(target, row)
    await repository.delete_view(target.unit, view_id)
    await record(target.context, type="view.deleted", entity="view", entity_id=view_id, before=facts_of(row))


async def duplicate_view(target: Reached, view_id: UUID, *, data: ViewDuplicate) -> View:
    """Save a copy of a view that belongs to the caller: of as much as they may see of it.

    Raises:
        ViewNotFound: the recordset has no such view.
        ViewConfigInvalid: what the caller may see of it makes no view of its type.
        ActionForbidden: the copy is to be shared, and the caller may not do that.
    """
    _check_may_make(target, visibility=data.visibility, is_default=False)
    row = await find_row(target, view_id)
    config = prune_config(row["config"], recordset=target.recordset, mask=target.mask).config
    check_layout(row["type"], config, recordset=target.recordset)
    name = data.name or f"{row['name'][: LONGEST_NAME - 7]} (copy)"
    made = ViewCreate(name=name, type=row["type"], description=row["description"], visibility=data.visibility)
    return await _insert(target, made, config=config)


def show_view(target: Reached, row: asyncpg.Record) -> View:
    """Return a view as its reader may know it."""
    pruned = prune_config(row["config"], recordset=target.recordset, mask=target.mask)
    owner = None if row["owner_id"] is None else ViewOwner(id=row["owner_id"], full_name=row["owner_name"])
    return View(
        id=row["id"],
        recordset_id=row["recordset_id"],
        name=row["name"],
        description=row["description"],
        type=row["type"],
        visibility=row["visibility"],
        owner=owner,
        position=row["position"],
        is_default=row["is_default"],
        is_locked=row["locked_at"] is not None,
        is_published=row["is_published"],
        config=ViewConfig.model_validate(pruned.config),
        is_partial=pruned.is_partial,
        can_change=_can_change(target, row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def _can_change(target: Reached, row: asyncpg.Record) -> bool:
    action = "share_views" if row["visibility"] == "shared" else "keep_views"
    return bool(target.decide(action)) and not _is_locked_for(target, row)
