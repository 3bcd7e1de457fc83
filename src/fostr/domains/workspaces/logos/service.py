"""What can be done with the logo of a workspace."""

from fastapi import UploadFile

from fostr.domains.workspaces.logos.schemas import Logo
from fostr.domains.workspaces.workspaces import service as workspaces
from fostr.domains.workspaces.workspaces.schemas import WorkspaceUpdate
from fostr.kernel.files.images import draw_upload
from fostr.kernel.files.pictures import picture_address, put_picture, sign_picture
from fostr.kernel.http.context import Context


async def set_logo(context: Context, *, file: UploadFile) -> Logo:
    # With clear margins: the ends of a wide logo would be lost in a square.
    squares = await draw_upload(file, shape="pad")
    store, owner_id = context.runtime.files, context.workspace_id
    picture_id = await put_picture(store, squares, owner_id=owner_id, kind="logo")
    address = picture_address(context.settings.public_url, owner_id=owner_id, picture_id=picture_id)
    await workspaces.update_workspace(context, data=WorkspaceUpdate(logo_url=address), expected_version=None)
    return Logo(logo_url=address, signed_url=await sign_picture(store, owner_id=owner_id, picture_id=picture_id))


async def delete_logo(context: Context) -> None:
    await workspaces.update_workspace(context, data=WorkspaceUpdate(logo_url=None), expected_version=None)
