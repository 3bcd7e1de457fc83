"""What can be done with the picture of an account."""

from uuid import UUID

import structlog
from fastapi import UploadFile

from fostr.domains.identity.avatars import repository
from fostr.domains.identity.avatars.removal import remove_replaced
from fostr.domains.identity.avatars.schemas import Avatar
from fostr.domains.identity.people import service as people
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.files.images import Side, draw_upload
from fostr.kernel.files.pictures import picture_address, put_picture, sign_picture
from fostr.kernel.http.context import AccountContext, Context

log = structlog.get_logger(__name__)


async def set_own_avatar(context: AccountContext, *, file: UploadFile) -> Avatar:
    squares = await draw_upload(file, shape="crop")
    return await _set_avatar(context, user_id=context.principal.user_id, squares=squares)


async def set_avatar_of(context: Context, *, user_id: UUID, file: UploadFile) -> Avatar:
    # Twice: before the work of drawing, and again with what decides locked.
    await people.check_may_change_account(context, user_id=user_id)
    squares = await draw_upload(file, shape="crop")
    await people.check_may_change_account(context, user_id=user_id, lock=True)
    avatar = await _set_avatar(context, user_id=user_id, squares=squares)
    await workspaces.update_copy(context, user_id=user_id)
    return avatar


async def delete_own_avatar(context: AccountContext) -> None:
    await _replace(context, user_id=context.principal.user_id, address=None)


async def delete_avatar_of(context: Context, *, user_id: UUID) -> None:
    await people.check_may_change_account(context, user_id=user_id, lock=True)
    await _replace(context, user_id=user_id, address=None)
    await workspaces.update_copy(context, user_id=user_id)


async def _set_avatar(context: AccountContext, *, user_id: UUID, squares: dict[Side, bytes]) -> Avatar:
    store = context.runtime.files
    picture_id = await put_picture(store, squares, owner_id=user_id, kind="avatar")
    address = picture_address(context.settings.public_url, owner_id=user_id, picture_id=picture_id)
    await _replace(context, user_id=user_id, address=address)
    return Avatar(avatar_url=address, signed_url=await sign_picture(store, owner_id=user_id, picture_id=picture_id))


async def _replace(context: AccountContext, *, user_id: UUID, address: str | None) -> None:
    before = await repository.set_avatar(context.unit, user_id=user_id, address=address, now=context.now)
    remove_replaced(context, user_id=user_id, before=before, after=address)
    await workspaces.spread_profile(context.unit, user_id=user_id)
    log.info("avatar_changed", user_id=str(user_id), by=str(context.principal.user_id))
