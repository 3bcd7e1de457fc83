"""Operations on the caller's notification preferences."""

from typing import Annotated
from uuid import UUID

from fostr.domains.notifications.errors import (
    NotificationTypeUnknown,
    PreferenceExists,
    PreferenceNotFound,
    PreferenceRepeated,
)
from fostr.domains.notifications.permissions import MANAGE_NOTIFICATIONS, VIEW_NOTIFICATIONS
from fostr.domains.notifications.preferences import service
from fostr.domains.notifications.preferences.schemas import (
    Preference,
    PreferenceCreate,
    Preferences,
    PreferencesUpdate,
    PreferenceUpdate,
    Recommended,
    SettingsByType,
    TypeSettings,
)
from fostr.integrations.whatsapp import WhatsAppNotConfigured
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/notifications", tags=["Notifications"])

Reader = Annotated[Context, in_workspace(VIEW_NOTIFICATIONS)]
Keeper = Annotated[Context, in_workspace(MANAGE_NOTIFICATIONS)]


@router.get("/defaults")
async def defaults(context: Reader) -> Recommended:
    """Get what is recommended, by category and type.

    It holds for every member who has not chosen otherwise. Types of modules that the workspace has switched off are
    left out.
    """
    return service.list_recommended(context)


@router.get("/me")
async def list(context: Reader) -> Preferences:  # noqa: A001 - endpoints are bare verbs
    """List the caller's preferences in this workspace.

    There is one for each type for which they have chosen something; for the others the defaults hold.
    """
    return await service.list_preferences(context)


@router.post("/me", status_code=201, responses=raises(NotificationTypeUnknown, PreferenceExists, WhatsAppNotConfigured))
async def create(context: Keeper, data: PreferenceCreate) -> Preference:
    """Create a preference of the caller's; what is left out is as recommended."""
    return await service.create_preference(context, data)


@router.post("/me/reset")
async def reset(context: Keeper) -> Preferences:
    """Reset the caller's preferences to what is recommended; answers them."""
    return await service.reset_preferences(context)


@router.put("/me/bulk", responses=raises(NotificationTypeUnknown, PreferenceRepeated, WhatsAppNotConfigured))
async def update_many(context: Keeper, data: PreferencesUpdate) -> Preferences:
    """Change several preferences of the caller's at once, and create those that are missing.

    All of them, or, when one is refused, none. What is left out of an entry stays as it is.
    """
    return await service.update_preferences(context, data.preferences)


@router.put(
    "/me/{preference_id}", responses=raises(PreferenceNotFound, WhatsAppNotConfigured, StaleUpdate, IfMatchInvalid)
)
async def update(
    context: Keeper, preference_id: UUID, data: PreferenceUpdate, expected_version: ExpectedVersion
) -> Preference:
    """Change a preference of the caller's; what is left out stays as it is.

    With `If-Match`, a preference that was changed in the meantime is left as it is.
    """
    return await service.update_preference(context, preference_id, data, expected_version=expected_version)


@router.delete("/me/{preference_id}", status_code=204, responses=raises(PreferenceNotFound))
async def delete(context: Keeper, preference_id: UUID) -> None:
    """Delete a preference of the caller's, so that what is recommended holds."""
    await service.delete_preference(context, preference_id)


@router.get("/preferences/v2")
async def list_settings(context: Reader) -> SettingsByType:
    """Get what holds for the caller, by type of notification: what they chose, or else what is recommended."""
    return await service.list_settings(context)


@router.put("/preferences/v2/{event_type}", responses=raises(NotificationTypeUnknown, WhatsAppNotConfigured))
async def update_settings(context: Keeper, event_type: str, data: PreferenceUpdate) -> TypeSettings:
    """Change what holds for the caller and a type of notification; what is left out stays as it is.

    Writes the same preference as `/notifications/me` does.
    """
    return await service.update_settings(context, event_type, data)
