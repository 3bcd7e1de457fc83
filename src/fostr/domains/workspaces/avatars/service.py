"""What can be done with the picture of a member."""

from uuid import UUID

from fastapi import UploadFile

from fostr.domains.workspaces.avatars import repository
from fostr.domains.workspaces.avatars.schemas import MemberAvatar
from fostr.domains.workspaces.events import MEMBER_UPDATED
from fostr.domains.workspaces.members import service as members
from fostr.domains.workspaces.members.schemas import Member
from fostr.domains.workspaces.permissions import EDIT_MEMBERS
from fostr.kernel.files.images import draw_upload
from fostr.kernel.files.pictures import delete_picture, picture_address, put_picture, sign_picture
from fostr.kernel.http.context import Context


async def set_avatar(context: Context, *, member_id: UUID, file: UploadFile) -> MemberAvatar:
    _check_permission(context, member_id=member_id)
    # Looked for before the work of drawing, and locked after it.
    await members.get_member(context.unit, member_id=member_id)
    squares = await draw_upload(file, shape="crop")
    before = await members.lock_member(context, member_id=member_id)
    store, owner_id = context.runtime.files, context.workspace_id
    picture_id = await put_picture(store, squares, owner_id=owner_id, kind="avatar")
    address = picture_address(context.settings.public_url, owner_id=owner_id, picture_id=picture_id)
    await _replace(context, before, address=address, is_own=True)
    return MemberAvatar(
        avatar_url=address, signed_url=await sign_picture(store, owner_id=owner_id, picture_id=picture_id)
    )


async def delete_avatar(context: Context, *, member_id: UUID) -> None:
    """Show a member by the picture of their account again, if that has one."""
    _check_permission(context, member_id=member_id)
    before = await members.lock_member(context, member_id=member_id)
    address = await repository.find_account_avatar(context.unit, user_id=before.user_id)
    await _replace(context, before, address=address, is_own=False)


async def remove_pictures(context: Context, member: Member) -> None:
    """Remove the pictures of a person whose account is deleted for good, once it is: theirs, and the one in here."""
    own = await repository.find_own_avatar(context.unit, member_id=member.id)
    account = await repository.find_account_avatar(context.unit, user_id=member.user_id)

    async def remove() -> None:
        await delete_picture(context.runtime.files, own, owner_id=context.workspace_id, kind="avatar")
        await delete_picture(context.runtime.files, account, owner_id=member.user_id, kind="avatar")

    context.unit.after_commit(remove)


def _check_permission(context: Context, *, member_id: UUID) -> None:
    """Members see to their own picture; others need the permission to change members."""
    if member_id != context.member_id:
        members.check_permission(context, EDIT_MEMBERS)
    members.check_writes(context)


async def _replace(context: Context, before: Member, *, address: str | None, is_own: bool) -> None:
    former = await repository.find_own_avatar(context.unit, member_id=before.id)
    await repository.set_avatar(context.unit, member_id=before.id, address=address, is_own=is_own, now=context.now)
    owner_id = context.workspace_id
    # Once the change holds: until then, the old picture is the one that is shown.
    context.unit.after_commit(lambda: delete_picture(context.runtime.files, former, owner_id=owner_id, kind="avatar"))
    after = await members.get_member(context.unit, member_id=before.id)
    if after.avatar_url != before.avatar_url:
        await members.record_change(context, MEMBER_UPDATED, before=before, after=after)
