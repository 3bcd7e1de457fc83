"""Operations on the picture of a member."""

from typing import Annotated
from uuid import UUID

from fostr.domains.workspaces.avatars import service
from fostr.domains.workspaces.avatars.schemas import MemberAvatar
from fostr.domains.workspaces.members.roles import MEMBER_REFUSALS, RightsChanged
from fostr.kernel.files.images import IMAGE_REFUSALS, ImageUpload
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/members/{member_id}/avatar", tags=["Members"])

Member = Annotated[Context, in_workspace(None)]

REFUSALS = (*MEMBER_REFUSALS, RightsChanged)


@router.post("", responses=raises(*REFUSALS, *IMAGE_REFUSALS))
async def upload(context: Member, member_id: UUID, file: ImageUpload) -> MemberAvatar:
    """Give a member a picture in this workspace.

    Members do so for themselves; others need `can_edit_members`, and a role that is the same or higher. The picture is
    made square and upright, and drawn anew without what the file says of camera and place. That of the account stays,
    and is shown elsewhere.
    """
    return await service.set_avatar(context, member_id=member_id, file=file)


@router.delete("", status_code=204, responses=raises(*REFUSALS))
async def delete(context: Member, member_id: UUID) -> None:
    """Take away the picture that a member has in this workspace; that of their account is shown again."""
    await service.delete_avatar(context, member_id=member_id)
