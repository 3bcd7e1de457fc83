"""What can be done with API keys."""

from datetime import timedelta
from uuid import UUID

from fostr.domains.workspaces.api_keys import repository
from fostr.domains.workspaces.api_keys.errors import ApiKeyNotFound, ApiKeyReplaced, ApiKeyRevoked, ExpiryPast
from fostr.domains.workspaces.api_keys.repository import StoredKey
from fostr.domains.workspaces.api_keys.schemas import (
    ApiKey,
    ApiKeyCount,
    ApiKeyCreate,
    ApiKeyUpdate,
    KeyFilter,
    NewApiKey,
)
from fostr.domains.workspaces.events import (
    API_KEY_CREATED,
    API_KEY_DELETED,
    API_KEY_EXPIRING,
    API_KEY_REVOKED,
    API_KEY_UPDATED,
    ApiKeyState,
)
from fostr.domains.workspaces.members.repository import increase_rights_epoch
from fostr.kernel.auth.credentials import API_KEY_PREFIX
from fostr.kernel.auth.principals import Scope
from fostr.kernel.crypto.tokens import digest_token, mint_token, visible_start
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Cause, record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id


async def list_keys(context: Context, *, wanted: KeyFilter, part: Slice) -> Page[ApiKey]:
    keys = await repository.list_keys(context.unit, wanted=wanted, limit=part.limit, offset=part.offset)
    total = await repository.count_keys(context.unit, wanted=wanted)
    return part.page([_shown(key) for key in keys], total=total)


async def count_keys(context: Context, *, wanted: KeyFilter) -> ApiKeyCount:
    return ApiKeyCount(count=await repository.count_keys(context.unit, wanted=wanted))


async def get_key(context: Context, *, key_id: UUID) -> ApiKey:
    key = await repository.find_key(context.unit, key_id=key_id)
    if key is None:
        raise ApiKeyNotFound
    return _shown(key)


async def create_key(context: Context, *, data: ApiKeyCreate) -> NewApiKey:
    if data.expires_at is not None and data.expires_at <= context.now:
        raise ExpiryPast
    scope = max(Scope.parse(name) for name in data.scopes)
    secret = mint_token(API_KEY_PREFIX)
    stored = await repository.insert_key(
        context.unit,
        values={
            "id": new_id(),
            "digest": digest_token(secret),
            "hint": visible_start(secret),
            "name": data.name,
            "description": data.description,
            "scope": scope.label,
            "user_id": context.principal.user_id,
            "now": context.now,
            "expires_at": data.expires_at,
        },
    )
    await _record(context, API_KEY_CREATED, before=None, after=stored)
    return NewApiKey(**_shown(stored).model_dump(), key=secret)


async def update_key(context: Context, *, key_id: UUID, data: ApiKeyUpdate, expected_version: int | None) -> ApiKey:
    before = await _lock_key(context, key_id=key_id)
    check_version(expected=expected_version, current=before.version)
    sent = data.model_fields_set
    after = await repository.update_key(
        context.unit,
        key_id=key_id,
        name=data.name if "name" in sent else before.name,
        description=data.description if "description" in sent else before.description,
        scope=max(Scope.parse(name) for name in data.scopes) if "scopes" in sent else before.scope,
        is_active=data.is_active if "is_active" in sent else before.is_active,
    )
    return await _changed(context, before=before, after=after)


async def toggle_key(context: Context, *, key_id: UUID) -> ApiKey:
    before = await _lock_key(context, key_id=key_id)
    after = await repository.update_key(
        context.unit,
        key_id=key_id,
        name=before.name,
        description=before.description,
        scope=before.scope,
        is_active=not before.is_active,
    )
    return await _changed(context, before=before, after=after)


async def _changed(context: Context, *, before: StoredKey, after: StoredKey) -> ApiKey:
    await _record(context, API_KEY_UPDATED, before=before, after=after)
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return _shown(after)


async def revoke_key(context: Context, *, key_id: UUID) -> ApiKey:
    before = await _lock_key(context, key_id=key_id)
    after = await repository.revoke_key(context.unit, key_id=before.id, now=context.now)
    await _record(context, API_KEY_REVOKED, before=before, after=after)
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return _shown(after)


async def rotate_key(context: Context, *, key_id: UUID, overlap: timedelta) -> NewApiKey:
    """Make another key with the same settings, and end the old one, at once or after an overlap.

    The new one acts in the name of whoever rotates: they see its secret, and must not come by the rights of the person
    who made the old one.
    """
    before = await _lock_key(context, key_id=key_id)
    if before.replaced_by_id is not None:
        raise ApiKeyReplaced(replaced_by_id=str(before.replaced_by_id))
    made = await create_key(
        context,
        data=ApiKeyCreate(
            name=before.name,
            description=before.description,
            scopes=[before.scope.label],
            expires_at=before.expires_at,
        ),
    )
    until = context.now + overlap if overlap else None
    after = await repository.replace_key(context.unit, key_id=before.id, by=made.id, until=until, now=context.now)
    await _record(context, API_KEY_UPDATED if overlap else API_KEY_REVOKED, before=before, after=after)
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return made


async def delete_key(context: Context, *, key_id: UUID) -> None:
    before = await repository.find_key(context.unit, key_id=key_id, lock=True)
    if before is None:
        raise ApiKeyNotFound
    await repository.delete_key(context.unit, key_id=key_id)
    await _record(context, API_KEY_DELETED, before=before, after=None)
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])


async def _lock_key(context: Context, *, key_id: UUID) -> StoredKey:
    key = await repository.find_key(context.unit, key_id=key_id, lock=True)
    if key is None:
        raise ApiKeyNotFound
    if key.revoked_at is not None:
        raise ApiKeyRevoked
    return key


async def tell_expiring(unit: Unit, *, key_id: UUID) -> bool:
    """Record that a key ends soon, unless that was told; say whether it was now."""
    key = await repository.find_key(unit, key_id=key_id, lock=True)
    if key is None or await repository.is_told(unit, key_id=key_id, type=API_KEY_EXPIRING):
        return False
    await record(unit, type=API_KEY_EXPIRING, entity="api_key", entity_id=key_id, after=_state(key), cause=Cause("job"))
    return True


async def _record(context: Context, type: str, *, before: StoredKey | None, after: StoredKey | None) -> None:
    subject = after or before
    assert subject is not None  # noqa: S101 - every caller has one of them
    await record(
        context,
        type=type,
        entity="api_key",
        entity_id=subject.id,
        before=None if before is None else _state(before),
        after=None if after is None else _state(after),
    )


def _state(key: StoredKey) -> dict[str, object]:
    return ApiKeyState(
        name=key.name,
        description=key.description,
        prefix=key.hint,
        scope=key.scope.label,
        is_active=key.is_active,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        replaced_by_id=key.replaced_by_id,
    ).model_dump()


def _shown(key: StoredKey) -> ApiKey:
    return ApiKey(
        id=key.id,
        name=key.name,
        description=key.description,
        prefix=key.hint,
        scopes=[scope.label for scope in Scope if scope <= key.scope],
        is_active=key.is_active,
        user_id=key.user_id,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        replaced_by_id=key.replaced_by_id,
        version=key.version,
    )
