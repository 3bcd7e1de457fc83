"""Operations on the API keys of a workspace."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Query

from fostr.domains.workspaces.api_keys import service
from fostr.domains.workspaces.api_keys.errors import ApiKeyNotFound, ApiKeyReplaced, ApiKeyRevoked, ExpiryPast
from fostr.domains.workspaces.api_keys.schemas import (
    ApiKey,
    ApiKeyCount,
    ApiKeyCreate,
    ApiKeyRotation,
    ApiKeyUpdate,
    KeyFilter,
    NewApiKey,
)
from fostr.domains.workspaces.permissions import MANAGE_API_KEYS
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import Page, SkippedSlice
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, RecentSignInRequired, recently

router = Router(prefix="/api-keys", tags=["API Keys"])

Manager = Annotated[Context, in_workspace(MANAGE_API_KEYS)]
Maker = Annotated[Context, recently(in_workspace(MANAGE_API_KEYS), tokens=True)]

AT_ONCE: Final = ApiKeyRotation()


async def read_filter(
    is_active: Annotated[bool | None, Query(description="Only those that are active, or not.")] = None,
    is_revoked: Annotated[bool | None, Query(description="Only those that are revoked, or not.")] = None,
) -> KeyFilter:
    """Return which keys were asked for."""
    return KeyFilter(is_active=is_active, is_revoked=is_revoked)


Filter = Annotated[KeyFilter, Depends(read_filter)]


@router.get("")
async def list(context: Manager, wanted: Filter, part: SkippedSlice) -> Page[ApiKey]:  # noqa: A001 - endpoints are bare verbs
    """List the workspace's keys.

    The newest come first. Their secrets are not kept, so nobody can see them again.
    """
    return await service.list_keys(context, wanted=wanted, part=part)


@router.get("/count")
async def count(context: Manager, wanted: Filter) -> ApiKeyCount:
    """Count the workspace's keys."""
    return await service.count_keys(context, wanted=wanted)


@router.get("/{api_key_id}", responses=raises(ApiKeyNotFound))
async def get(context: Manager, api_key_id: UUID) -> ApiKey:
    """Show one key, without its secret."""
    return await service.get_key(context, key_id=api_key_id)


@router.post("", status_code=201, responses=raises(ExpiryPast, Impersonating, RecentSignInRequired))
async def create(context: Maker, data: ApiKeyCreate) -> NewApiKey:
    """Make a key.

    The answer holds the key itself, this once. It acts in the name of whoever made it, in this workspace alone, and
    never does more than they may do at that moment. With a session it takes a recent sign-in.
    """
    return await service.create_key(context, data=data)


@router.post("/{api_key_id}/revoke", responses=raises(ApiKeyNotFound, ApiKeyRevoked))
async def revoke(context: Manager, api_key_id: UUID) -> ApiKey:
    """Revoke a key for good.

    It stops working at once, and stays in the list.
    """
    return await service.revoke_key(context, key_id=api_key_id)


@router.post(
    "/{api_key_id}/rotate",
    responses=raises(ApiKeyNotFound, ApiKeyRevoked, ApiKeyReplaced, ExpiryPast, Impersonating, RecentSignInRequired),
)
async def rotate(context: Maker, api_key_id: UUID, data: ApiKeyRotation = AT_ONCE) -> NewApiKey:
    """Replace a key by a new one with the same settings.

    The old one is revoked; with `overlap_seconds` it goes on working that long, and may be revoked before. The answer
    holds the new key itself, this once; it acts in the name of whoever rotated it.
    """
    return await service.rotate_key(context, key_id=api_key_id, overlap=timedelta(seconds=data.overlap_seconds))


@router.post("/{api_key_id}/toggle", responses=raises(ApiKeyNotFound, ApiKeyRevoked))
async def toggle(context: Manager, api_key_id: UUID) -> ApiKey:
    """Switch a key off for a while, or on again."""
    return await service.toggle_key(context, key_id=api_key_id)


@router.patch("/{api_key_id}", responses=raises(ApiKeyNotFound, ApiKeyRevoked, StaleUpdate, IfMatchInvalid))
async def update(context: Manager, api_key_id: UUID, data: ApiKeyUpdate, expected_version: ExpectedVersion) -> ApiKey:
    """Change a key's name, description, scopes, or whether it is active.

    The key itself stays; to change that, rotate it.
    """
    return await service.update_key(context, key_id=api_key_id, data=data, expected_version=expected_version)


@router.delete("/{api_key_id}", status_code=204, responses=raises(ApiKeyNotFound))
async def delete(context: Manager, api_key_id: UUID) -> None:
    """Delete a key and every trace of it.

    Revoke it instead to keep it in the list.
    """
    await service.delete_key(context, key_id=api_key_id)
