"""What happens to share links: who may, what is written, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.shares import repository
from fostr.domains.records.shares.publishing import list_publishable
from fostr.domains.records.shares.schemas import ShareLink, ShareLinkCreated
from fostr.domains.records.views import service as views
from fostr.domains.records.views.config import prune_config
from fostr.kernel.crypto.passwords import hash_password
from fostr.kernel.crypto.tokens import digest_token, mint_token, visible_start
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg
    from pydantic import SecretStr

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.shares.schemas import ShareLinkCreate, ShareLinkUpdate
    from fostr.kernel.http.paging import Page, Slice
    from fostr.kernel.runtime import Runtime

TOKEN_PREFIX = "fos_shr"  # noqa: S105 - how tokens begin


class LinkNotFound(NotFound):
    """The view has no such link."""

    code = "share_link_not_found"
    detail = "There is no such share link."


class LinkRevoked(Conflict):
    """The link was ended, for good."""

    code = "share_link_revoked"
    detail = "This link was revoked; make a new one."


class ExpiryPassed(Unprocessable):
    """A link cannot end before it begins."""

    code = "expiry_passed"
    detail = "A link has to end in the future."


class ViewNotShareable(Unprocessable):
    """The view cannot be shown to the world."""

    code = "view_not_shareable"
    detail = "This view cannot be shared by a link."


class LinkFieldsInvalid(Unprocessable):
    """The link is to show what the view does not."""

    code = "share_link_fields_invalid"
    detail = "A link shows only fields that the view shows, and that can be shown to everybody."


async def list_links(target: Reached, view_id: UUID, *, part: Slice) -> Page[ShareLink]:
    """Return a part of the links of a view, the ended ones among them.

    Raises:
        ViewNotFound: the recordset has no such view.
    """
    view = await views.find_row(target, view_id)
    rows = await repository.list_links(target.unit, view["id"], limit=part.limit, offset=part.offset)
    total = await repository.count_links(target.unit, view["id"])
    now = target.context.now
    return part.page([ShareLink(**_shown(row, now=now)) for row in rows], total=total)


async def create_link(target: Reached, view_id: UUID, *, data: ShareLinkCreate) -> ShareLinkCreated:
    """Share a view with the world.

    Raises:
        ViewNotFound: the recordset has no such view.
        ViewNotShareable: it is a form, or a part of what it leaves out cannot be left out for the caller.
        LinkFieldsInvalid: a field is named that the view does not show.
        ExpiryPassed: the link would be over already.
    """
    context = target.context
    _check_expiry(target, data.expires_at)
    password_hash = await _hash(target, data.password)
    view = await views.find_row(target, view_id, lock=True)
    token = mint_token(TOKEN_PREFIX)
    values = {
        "id": new_id(),
        "recordset_id": view["recordset_id"],
        "view_id": view["id"],
        "name": data.name,
        "hint": visible_start(token),
        "password_hash": password_hash,
        "allows_download": data.allows_download,
        "fields": choose_fields(target, view, wanted=data.fields),
        "expires_at": data.expires_at,
        "created_by": context.member_id,
        "created_at": context.now,
        "updated_at": context.now,
    }
    row = await repository.insert_link(target.unit, values, digest=digest_token(token))
    await _tell(target, "created", after=row)
    url = f"{context.settings.public_url}/api/v1/public/tables/{token}"
    return ShareLinkCreated(**_shown(row, now=context.now), token=token, url=url)


def choose_fields(target: Reached, view: asyncpg.Record, *, wanted: Sequence[str] | None) -> list[str]:
    """Return the keys of the fields that a link may show.

    Raises:
        ViewNotShareable: the view cannot be shared.
        LinkFieldsInvalid: a field is named that the view does not show.
    """
    if view["type"] == "form":
        raise ViewNotShareable("A form is no list of records.")
    pruned = prune_config(view["config"], recordset=target.recordset, mask=target.mask)
    if pruned.is_wider:
        raise ViewNotShareable("The view filters by what is gone, or hidden from you; without that it would show more.")
    shown = [entry.key for entry in list_publishable(target, pruned.config)]
    if wanted is None:
        return shown
    unknown = [key for key in wanted if key not in shown]
    if unknown:
        raise LinkFieldsInvalid(fields=unknown)
    return [key for key in shown if key in wanted]


def _check_expiry(target: Reached, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= target.context.now:
        raise ExpiryPassed


async def _hash(target: Reached, password: SecretStr | None) -> str | None:
    if password is None:
        return None
    return await hash_password(password.get_secret_value(), cost=target.context.settings.password_hash_cost)


async def update_link(
    target: Reached, view_id: UUID, link_id: UUID, *, data: ShareLinkUpdate, expected_version: int | None
) -> ShareLink:
    """Change a link that is open, or was.

    Raises:
        ViewNotFound: the recordset has no such view.
        LinkNotFound: the view has no such link.
        LinkRevoked: it was revoked.
        StaleUpdate: it was changed since the version that the caller saw.
        ViewNotShareable, LinkFieldsInvalid, ExpiryPassed: as for a new one.
    """
    context, sent = target.context, data.model_fields_set
    password_hash = await _hash(target, data.password)
    view = await views.find_row(target, view_id)
    row = await _find_locked(target, view, link_id)
    if row["revoked_at"] is not None:
        raise LinkRevoked
    check_version(expected=expected_version or data.expected_version, current=row["version"])
    wanted = data.model_dump(include=sent & {"name", "allows_download"}, exclude_none=True)
    if "expires_at" in sent:
        _check_expiry(target, data.expires_at)
        wanted["expires_at"] = data.expires_at
    if "password" in sent:
        wanted["password_hash"] = password_hash
    if "fields" in sent:
        wanted["fields"] = choose_fields(target, view, wanted=data.fields)
    changes = {name: value for name, value in wanted.items() if row[name] != value}
    if not changes:
        return ShareLink(**_shown(row, now=context.now))
    after = await repository.update_link(target.unit, link_id, {**changes, "updated_at": context.now})
    await _tell(target, "updated", before=row, after=after)
    return ShareLink(**_shown(after, now=context.now))


async def revoke_link(target: Reached, view_id: UUID, link_id: UUID) -> ShareLink:
    """End a link, and return it; one that has ended stays as it is.

    Raises:
        ViewNotFound: the recordset has no such view.
        LinkNotFound: the view has no such link.
    """
    context = target.context
    view = await views.find_row(target, view_id)
    row = await _find_locked(target, view, link_id)
    if row["revoked_at"] is not None:
        return ShareLink(**_shown(row, now=context.now))
    changes = {"revoked_at": context.now, "revoked_by": context.member_id, "updated_at": context.now}
    after = await repository.update_link(target.unit, link_id, changes)
    await repository.forget_token(target.unit, link_id)
    await _tell(target, "revoked", before=row)
    return ShareLink(**_shown(after, now=context.now))


async def forget_lost_tokens(runtime: Runtime) -> int:
    """Forget the tokens whose links are gone with their view or their recordset; return how many.

    Nobody can open them, and in their table no foreign key can lead to what belongs to a workspace.
    """
    forgotten = 0
    async with runtime.database.unit() as unit:
        workspaces = await repository.list_token_workspaces(unit)
    for workspace in workspaces:
        async with runtime.database.unit(workspace) as unit:
            held = await repository.list_tokens(unit, workspace=workspace)
            lost = set(held) - await repository.list_known(unit, held)
            forgotten += await repository.forget_tokens(unit, sorted(lost))
    return forgotten


async def _find_locked(target: Reached, view: asyncpg.Record, link_id: UUID) -> asyncpg.Record:
    row = await repository.find_link(target.unit, link_id, view_id=view["id"])
    if row is None:
        raise LinkNotFound
    return row


def _shown(row: asyncpg.Record, *, now: datetime) -> dict[str, Any]:
    is_over = row["expires_at"] is not None and row["expires_at"] <= now
    return {
        **{name: row[name] for name in ShareLink.model_fields if name not in {"is_open", "has_password"}},
        "is_open": row["revoked_at"] is None and not is_over,
        "has_password": row["password_hash"] is not None,
    }


async def _tell(
    target: Reached, happened: str, *, before: asyncpg.Record | None = None, after: asyncpg.Record | None = None
) -> None:
    told = after if after is not None else before
    assert told is not None  # noqa: S101 - one of them is given
    await record(
        target.context,
        type=f"share_link.{happened}",
        entity="share_link",
        entity_id=told["id"],
        before=_facts(before),
        after=_facts(after),
    )


def _facts(row: asyncpg.Record | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "recordset_id": str(row["recordset_id"]),
        "view_id": str(row["view_id"]),
        "name": row["name"],
        "has_password": row["password_hash"] is not None,
        "allows_download": row["allows_download"],
        "fields": list(row["fields"]),
        "expires_at": None if row["expires_at"] is None else row["expires_at"].isoformat(),
    }
