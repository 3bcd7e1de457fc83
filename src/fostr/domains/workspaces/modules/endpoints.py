"""Operations on the modules of a workspace."""

from typing import Annotated

from fastapi import Path

from fostr.domains.workspaces.modules import service
from fostr.domains.workspaces.modules.errors import (
    ModuleNotFound,
    ModuleSettingsExist,
    ModuleSettingsInvalid,
    ModuleUnknown,
)
from fostr.domains.workspaces.modules.schemas import ModuleSettings, ModuleSettingsCreate, ModuleSettingsUpdate
from fostr.domains.workspaces.permissions import MANAGE_MODULES
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/modules", tags=["Module Settings"])

Member = Annotated[Context, in_workspace(None)]
Manager = Annotated[Context, in_workspace(MANAGE_MODULES)]
Name = Annotated[str, Path(max_length=100, description="The module.")]
All = list[ModuleSettings]


@router.get("")
async def list(context: Member) -> All:  # noqa: A001 - endpoints are bare verbs
    """List the parts of the product, as they are in the workspace."""
    return await service.list_settings(context)


@router.get("/{module}", responses=raises(ModuleNotFound))
async def get(context: Member, module: Name) -> ModuleSettings:
    """Show one part of the product, as it is in the workspace."""
    return await service.get_settings(context, name=module)


@router.post("", status_code=201, responses=raises(ModuleUnknown, ModuleSettingsExist, ModuleSettingsInvalid))
async def create(context: Manager, data: ModuleSettingsCreate) -> ModuleSettings:
    """Say something about a module for the first time."""
    return await service.create_settings(context, data=data)


@router.post("/{module}/toggle", responses=raises(ModuleNotFound))
async def toggle(context: Manager, module: Name) -> ModuleSettings:
    """Switch a module off, or on again.

    While it is off, its operations answer 403 `module_disabled`, from the next request on. What was kept stays.
    """
    return await service.toggle(context, name=module)


@router.patch("/{module}", responses=raises(ModuleNotFound, ModuleSettingsInvalid, StaleUpdate, IfMatchInvalid))
async def update(
    context: Manager, module: Name, data: ModuleSettingsUpdate, expected_version: ExpectedVersion
) -> ModuleSettings:
    """Switch or set a module.

    Settings that are left out stay; one that is set to what it comes with is forgotten.
    """
    return await service.update_settings(context, name=module, data=data, expected_version=expected_version)
