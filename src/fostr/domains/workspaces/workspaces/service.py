"""What can be done with workspaces."""

from dataclasses import replace
from uuid import UUID

from fostr.domains.workspaces.events import WORKSPACE_CREATED, WORKSPACE_UPDATED
from fostr.domains.workspaces.members import service as members
from fostr.domains.workspaces.workspaces import repository
from fostr.domains.workspaces.workspaces.errors import SessionRequired, WorkspaceNotFound
from fostr.domains.workspaces.workspaces.rules import extend_slug, make_slug
from fostr.domains.workspaces.workspaces.schemas import Workspace, WorkspaceCreate, WorkspaceUpdate
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.files.pictures import delete_picture
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import AccountContext, Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id


async def list_workspaces(context: AccountContext, *, part: Slice) -> Page[Workspace]:
    who = {"user_id": context.principal.user_id, "credential_id": context.principal.credential_id}
    workspaces = await repository.list_own(context.unit, **who, limit=part.limit, offset=part.offset)
    return part.page(workspaces, total=await repository.count_own(context.unit, **who))


async def get_workspace(context: AccountContext, *, workspace_id: UUID) -> Workspace:
    workspace = await repository.find_own(
        context.unit,
        user_id=context.principal.user_id,
        credential_id=context.principal.credential_id,
        workspace_id=workspace_id,
    )
    if workspace is None:
        raise WorkspaceNotFound
    return workspace


async def create_workspace(context: AccountContext, *, data: WorkspaceCreate) -> Workspace:
    principal = context.principal
    return await provision_workspace(
        context.unit,
        name=data.name,
        owner_user_id=principal.user_id,
        actor=Actor(user_id=principal.user_id, kind=principal.kind, acting_as=principal.acting_as),
        cause=Cause(kind="request", id=context.facts.request_id),
    )


async def provision_workspace(
    unit: Unit,
    *,
    name: str,
    owner_user_id: UUID,
    actor: Actor | None = None,
    cause: Cause | None = None,
) -> Workspace:
    workspace_id, member_id = new_id(), new_id()
    unit.enter_workspace(workspace_id)
    slug = await _insert_workspace(unit, workspace_id=workspace_id, name=name)
    founder = replace(actor or Actor(user_id=owner_user_id), member_id=member_id)
    await record(
        unit,
        type=WORKSPACE_CREATED,
        entity="workspace",
        entity_id=workspace_id,
        after={"name": name, "slug": slug, "logo_url": None},
        actor=founder,
        cause=cause,
    )
    await members.insert_member(
        unit,
        workspace_id=workspace_id,
        user_id=owner_user_id,
        member_id=member_id,
        role="owner",
        actor=founder,
        cause=cause,
    )
    made = await repository.find_own(unit, user_id=owner_user_id, credential_id=None, workspace_id=workspace_id)
    assert made is not None  # noqa: S101 - written above, in the same transaction
    return made


async def _insert_workspace(unit: Unit, *, workspace_id: UUID, name: str) -> str:
    slug = plain = make_slug(name)
    while not await repository.insert_workspace(unit, workspace_id=workspace_id, name=name, slug=slug):
        slug = extend_slug(plain)
    return slug


async def update_workspace(context: Context, *, data: WorkspaceUpdate, expected_version: int | None) -> Workspace:
    found = await repository.lock_workspace(context.unit, workspace_id=context.workspace_id)
    if found is None:
        raise WorkspaceNotFound
    check_version(expected=expected_version, current=found["version"])
    before = {"name": found["name"], "slug": found["slug"], "logo_url": found["logo_url"]}
    after = before | data.changes()
    if after != before:
        await repository.update_workspace(
            context.unit,
            workspace_id=context.workspace_id,
            name=after["name"],
            logo_url=after["logo_url"],
            now=context.now,
        )
        await record(
            context,
            type=WORKSPACE_UPDATED,
            entity="workspace",
            entity_id=context.workspace_id,
            before=before,
            after=after,
        )
        _remove_replaced_logo(context, before=before["logo_url"], after=after["logo_url"])
    return await get_workspace(context, workspace_id=context.workspace_id)


def _remove_replaced_logo(context: Context, *, before: str | None, after: str | None) -> None:
    """Remove the former logo, if it was uploaded here; once the change holds, for until then it is shown."""
    if before is not None and before != after:
        context.unit.after_commit(
            lambda: delete_picture(context.runtime.files, before, owner_id=context.workspace_id, kind="logo")
        )


async def switch_workspace(context: AccountContext, *, workspace_id: UUID) -> Workspace:
    if context.principal.kind not in {"session", "jwt"}:
        raise SessionRequired
    workspace = await get_workspace(context, workspace_id=workspace_id)
    await repository.set_session_workspace(
        context.unit, session_id=context.principal.credential_id, workspace_id=workspace_id
    )
    return replace(workspace, is_current=True)
