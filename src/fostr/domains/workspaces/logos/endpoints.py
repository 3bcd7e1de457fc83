"""Operations on the logo of a workspace."""

from typing import Annotated

from fostr.domains.workspaces.logos import service
from fostr.domains.workspaces.logos.schemas import Logo
from fostr.domains.workspaces.permissions import EDIT_WORKSPACE
from fostr.kernel.files.images import IMAGE_REFUSALS, ImageUpload
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_path_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/workspaces/{workspace_id}/logo", tags=["Workspaces"])

Editor = Annotated[Context, in_path_workspace(EDIT_WORKSPACE)]


@router.post("", responses=raises(*IMAGE_REFUSALS))
async def upload(context: Editor, file: ImageUpload) -> Logo:
    """Give a workspace a logo.

    It is put into a square with clear margins, and drawn anew without what the file says beside the picture.
    """
    return await service.set_logo(context, file=file)


@router.delete("", status_code=204)
async def delete(context: Editor) -> None:
    """Take the logo away from a workspace."""
    await service.delete_logo(context)
