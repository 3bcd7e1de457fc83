"""What the first page of a workspace shows: as much as its reader may know."""

from dataclasses import dataclass
from typing import Final

from fostr.domains.records import public as records
from fostr.domains.workspaces.invitations import service as invitations
from fostr.domains.workspaces.invitations.schemas import Invitation
from fostr.domains.workspaces.members import service as members
from fostr.domains.workspaces.members.schemas import MemberFilter
from fostr.domains.workspaces.permissions import INVITE_MEMBERS, VIEW_MEMBERS
from fostr.domains.workspaces.workspaces import service as workspaces
from fostr.domains.workspaces.workspaces.schemas import Workspace
from fostr.kernel.files.pictures import own_picture
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice

FIRST: Final = Slice(limit=20, offset=0)


@dataclass(frozen=True, slots=True)
class Home:
    """A workspace's first page; None stands for what its reader may not know, or what is switched off."""

    workspace: Workspace
    logo: str | None
    members: int | None
    recordsets: Page[records.RecordsetCard] | None
    invitations: Page[Invitation] | None
    may_create: bool
    is_sending: bool


async def describe_home(context: Context) -> Home:
    workspace = await workspaces.get_workspace(context, workspace_id=context.workspace_id)
    return Home(
        workspace=workspace,
        logo=own_picture(context.settings.public_url, workspace.logo_url),
        members=await _count_members(context),
        recordsets=await records.list_recordsets(context, part=FIRST),
        invitations=await _list_invitations(context),
        may_create=context.access.has(records.CREATE_RECORDSET),
        is_sending=context.settings.smtp_url is not None,
    )


async def _count_members(context: Context) -> int | None:
    if not context.access.has(VIEW_MEMBERS):
        return None
    wanted = MemberFilter(search=None, is_active=True, include_removed=False)
    return (await members.list_members(context, wanted=wanted, part=Slice(limit=1, offset=0))).total


async def _list_invitations(context: Context) -> Page[Invitation] | None:
    return await invitations.list_invitations(context, part=FIRST) if context.access.has(INVITE_MEMBERS) else None
