"""Operations on the picture of an account."""

from typing import Annotated
from uuid import UUID

from fostr.domains.identity.avatars import service
from fostr.domains.identity.avatars.schemas import Avatar
from fostr.domains.identity.people.errors import AccountOfSuperuser, AccountShared
from fostr.domains.workspaces.public import MEMBER_REFUSALS
from fostr.kernel.files.images import IMAGE_REFUSALS, ImageUpload
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import ScopeInsufficient, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInToWrite

router = Router(prefix="/auth", tags=["Authentication"])

Member = Annotated[Context, in_workspace(None)]

ACCOUNT_REFUSALS = (*MEMBER_REFUSALS, AccountShared, AccountOfSuperuser, KeyIsBound)


@router.post("/me/avatar", responses=raises(*IMAGE_REFUSALS, ScopeInsufficient, KeyIsBound, Impersonating))
async def upload(context: SignedInToWrite, file: ImageUpload) -> Avatar:
    """Give the caller's account a picture.

    It is made square and upright, and drawn anew without what the file says of camera and place. The caller's
    workspaces show it a moment later, those in which they have another picture excepted.
    """
    return await service.set_own_avatar(context, file=file)


@router.delete("/me/avatar", status_code=204, responses=raises(ScopeInsufficient, KeyIsBound, Impersonating))
async def delete(context: SignedInToWrite) -> None:
    """Take the picture away from the caller's account."""
    await service.delete_own_avatar(context)


@router.post("/{user_id}/avatar", responses=raises(*IMAGE_REFUSALS, *ACCOUNT_REFUSALS))
async def upload_of(context: Member, user_id: UUID, file: ImageUpload) -> Avatar:
    """Give the account of somebody in the workspace a picture.

    Who may change the account may do so: everybody their own; others by `can_edit_members`, of the same role or a lower
    one, and in this workspace alone. Somebody who is in other workspaces too gets a picture for this one by
    `/members/{member_id}/avatar`.
    """
    return await service.set_avatar_of(context, user_id=user_id, file=file)


@router.delete("/{user_id}/avatar", status_code=204, responses=raises(*ACCOUNT_REFUSALS))
async def delete_of(context: Member, user_id: UUID) -> None:
    """Take the picture away from the account of somebody in the workspace."""
    await service.delete_avatar_of(context, user_id=user_id)
