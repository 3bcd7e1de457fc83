"""What members choose to be told. Two families of operations read and write the same rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.notifications.errors import (
    NotificationTypeUnknown,
    PreferenceExists,
    PreferenceNotFound,
    PreferenceRepeated,
)
from fostr.domains.notifications.events import PREFERENCES, PREFERENCES_UPDATED
from fostr.domains.notifications.preferences import repository
from fostr.domains.notifications.preferences.repository import Switched
from fostr.domains.notifications.preferences.rules import Choice, chosen, effective, recommended
from fostr.domains.notifications.preferences.schemas import (
    Preference,
    RecommendedCategory,
    RecommendedSettings,
    TypeSettings,
)
from fostr.domains.notifications.registry import CATEGORY_LABELS, find_notification_type, list_available_types
from fostr.integrations.whatsapp import WhatsAppNotConfigured, is_whatsapp_configured
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.notifications.preferences.schemas import (
        PreferenceCreate,
        Preferences,
        PreferenceUpdate,
        Recommended,
        SettingsByType,
    )
    from fostr.domains.notifications.registry import NotificationType
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context

_COLUMNS: Final = {
    "inapp_enabled": "in_app",
    "email_enabled": "email",
    "whatsapp_enabled": "whatsapp",
    "muted": "muted",
}


def list_recommended(context: Context) -> Recommended:
    """Return what is recommended, by category and type."""
    found: Recommended = {}
    for name, kind in _available(context).items():
        category = found.setdefault(kind.category, RecommendedCategory(label=CATEGORY_LABELS[kind.category], types={}))
        category.types[name] = RecommendedSettings(
            label=kind.label,
            description=kind.description,
            is_critical=kind.is_critical,
            **_switches(recommended(kind)),
        )
    return found


async def list_preferences(context: Context) -> Preferences:
    """Return the caller's preferences, as far as they have any, by category and type."""
    kinds = _available(context)
    rows = await repository.list_preferences(context.unit, member_ids=[context.member_id], types=list(kinds))
    order = list(kinds)
    return [_preference(row, kinds) for row in sorted(rows, key=lambda row: order.index(row["type"]))]


async def list_settings(context: Context) -> SettingsByType:
    """Return what holds for the caller, for every type."""
    kinds = _available(context)
    rows = await repository.list_preferences(context.unit, member_ids=[context.member_id], types=list(kinds))
    choices = {row["type"]: chosen(row) for row in rows}
    return {name: _settings(kind, choices.get(name)) for name, kind in kinds.items()}


async def create_preference(context: Context, data: PreferenceCreate) -> Preference:
    """Keep the caller's choice for a type for which they have made none.

    Raises:
        NotificationTypeUnknown: there is no such type.
        PreferenceExists: they have made one.
        WhatsAppNotConfigured: it switches WhatsApp on, and the server has none.
    """
    kinds, switched = _available(context), _switched(data.notification_type, data)
    await _check(context, kinds, [switched])
    inserted = await _insert_missing(context, kinds, [switched])
    if not inserted:
        raise PreferenceExists
    await _tell(context, inserted)
    [created] = await _list_of(context, kinds, inserted)
    return created


async def update_preference(
    context: Context, preference_id: UUID, data: PreferenceUpdate, *, expected_version: int | None
) -> Preference:
    """Change one of the caller's preferences.

    Raises:
        PreferenceNotFound: they have no such preference.
        StaleUpdate: it was changed since the version that the caller saw.
        WhatsAppNotConfigured: it switches WhatsApp on, and the server has none.
    """
    kinds = _available(context)
    row = await repository.find_preference(context.unit, preference_id, member_id=context.member_id, types=list(kinds))
    if row is None:
        raise PreferenceNotFound
    check_version(expected=expected_version, current=row["version"])
    await _save(context, kinds, [_switched(row["type"], data)])
    [updated] = await _list_of(context, kinds, [row["type"]])
    return updated


async def update_preferences(context: Context, data: Sequence[PreferenceCreate]) -> Preferences:
    """Change and create preferences of the caller's: all of them, or none; return them in the given order.

    Raises:
        NotificationTypeUnknown: there is no such type.
        PreferenceRepeated: a type is named twice.
        WhatsAppNotConfigured: one switches WhatsApp on, and the server has none.
    """
    kinds, names = _available(context), [one.notification_type for one in data]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise PreferenceRepeated(notification_types=repeated)
    await _save(context, kinds, [_switched(one.notification_type, one) for one in data])
    by_type = {one.notification_type: one for one in await _list_of(context, kinds, names)}
    return [by_type[name] for name in names]


async def update_settings(context: Context, type: str, data: PreferenceUpdate) -> TypeSettings:
    """Change what holds for the caller and a type; what was not sent stays as it is.

    Raises:
        NotificationTypeUnknown: there is no such type.
        WhatsAppNotConfigured: it switches WhatsApp on, and the server has none.
    """
    kinds = _available(context)
    _check_known(kinds, [type])
    if data.model_fields_set:
        await _save(context, kinds, [_switched(type, data)])
    return (await list_settings(context))[type]


async def reset_preferences(context: Context) -> Preferences:
    """Forget what the caller chose, and keep what is recommended in its place, type by type."""
    kinds = _available(context)
    await repository.delete_preferences(context.unit, member_id=context.member_id)
    await _insert_missing(context, kinds, [Switched(name) for name in kinds])
    await _tell(context, list(kinds))
    return await list_preferences(context)


async def delete_preference(context: Context, preference_id: UUID) -> None:
    """Forget what the caller chose for a type, so that its defaults hold.

    Raises:
        PreferenceNotFound: they have no such preference.
    """
    forgotten = await repository.delete_preference(context.unit, preference_id, member_id=context.member_id)
    if forgotten is None:
        raise PreferenceNotFound
    await _tell(context, [forgotten])


async def switch_off_mail(unit: Unit, *, member_id: UUID, types: Sequence[NotificationType], now: datetime) -> None:
    """Have a member told of some types by mail no more: for those who follow a link in one, without signing in."""
    await _write(
        unit, member_id=member_id, kinds=types, switched=[Switched(one.name, email=False) for one in types], now=now
    )
    await record(
        unit,
        type=PREFERENCES_UPDATED,
        entity=PREFERENCES,
        entity_id=member_id,
        after=_facts(member_id, [one.name for one in types]),
    )


async def find_choices(unit: Unit, *, kind: NotificationType, member_ids: Sequence[UUID]) -> dict[UUID, Choice]:
    """Return on which ways members are told of a type; those who are not told of it at all are left out."""
    rows = await repository.list_preferences(unit, member_ids=member_ids, types=[kind.name])
    own = {row["member_id"]: chosen(row) for row in rows}
    found = {one: effective(own.get(one, recommended(kind)), is_critical=kind.is_critical) for one in member_ids}
    return {member_id: choice for member_id, choice in found.items() if choice is not None}


async def list_mailed(unit: Unit, *, type: str, member_ids: Sequence[UUID]) -> list[UUID]:
    """Return which of some members are told of a type by mail."""
    kind = find_notification_type(type)
    if kind is None:
        raise ValueError(f"there is no notification type {type}")
    choices = await find_choices(unit, kind=kind, member_ids=member_ids)
    return [one for one in member_ids if one in choices and choices[one].email]


def _available(context: Context) -> dict[str, NotificationType]:
    return list_available_types(context.access.switched_modules)


def _check_known(kinds: Mapping[str, NotificationType], names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in kinds]:
        raise NotificationTypeUnknown(notification_types=unknown)


async def _check(context: Context, kinds: Mapping[str, NotificationType], switched: Sequence[Switched]) -> None:
    _check_known(kinds, [one.type for one in switched])
    asking = [one.type for one in switched if one.whatsapp]
    if not asking or is_whatsapp_configured(context.settings):
        return
    # What was switched on while there was a WhatsApp account may be sent back as it is.
    settings = await list_settings(context)
    if any(not settings[name].whatsapp_enabled for name in asking):
        raise WhatsAppNotConfigured


async def _save(context: Context, kinds: Mapping[str, NotificationType], switched: Sequence[Switched]) -> None:
    if not switched:
        return
    await _check(context, kinds, switched)
    named = [kinds[one.type] for one in switched]
    await _write(context.unit, member_id=context.member_id, kinds=named, switched=switched, now=context.now)
    await _tell(context, [one.type for one in switched])


async def _write(
    unit: Unit, *, member_id: UUID, kinds: Sequence[NotificationType], switched: Sequence[Switched], now: datetime
) -> None:
    whole = [_completed(one, kind) for one, kind in zip(switched, kinds, strict=True)]
    inserted = await repository.insert_missing(unit, member_id=member_id, chosen=whole, now=now)
    left = [one for one in switched if one.type not in inserted]
    if left:
        await repository.update_preferences(unit, member_id=member_id, chosen=left, now=now)


async def _insert_missing(
    context: Context, kinds: Mapping[str, NotificationType], switched: Sequence[Switched]
) -> list[str]:
    whole = [_completed(one, kinds[one.type]) for one in switched]
    return await repository.insert_missing(context.unit, member_id=context.member_id, chosen=whole, now=context.now)


async def _list_of(context: Context, kinds: Mapping[str, NotificationType], names: Sequence[str]) -> Preferences:
    rows = await repository.list_preferences(context.unit, member_ids=[context.member_id], types=names)
    return [_preference(row, kinds) for row in rows]


async def _tell(context: Context, names: Sequence[str]) -> None:
    await record(
        context,
        type=PREFERENCES_UPDATED,
        entity=PREFERENCES,
        entity_id=context.member_id,
        after=_facts(context.member_id, names),
    )


def _facts(member_id: UUID, names: Sequence[str]) -> dict[str, Any]:
    return {"member_id": str(member_id), "types": sorted(names)}


def _switched(type: str, data: PreferenceUpdate) -> Switched:
    sent = data.changes()
    return Switched(type, **{column: sent[field] for field, column in _COLUMNS.items() if field in sent})


def _completed(switched: Switched, kind: NotificationType) -> Switched:
    """Fill in what is recommended where nothing is said."""
    rest = recommended(kind)
    names = ("in_app", "email", "whatsapp", "muted")
    return replace(switched, **{name: getattr(rest, name) for name in names if getattr(switched, name) is None})


def _preference(row: asyncpg.Record, kinds: Mapping[str, NotificationType]) -> Preference:
    return Preference(
        id=row["id"],
        notification_type=row["type"],
        category=kinds[row["type"]].category,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        **_switches(chosen(row)),
    )


def _settings(kind: NotificationType, choice: Choice | None) -> TypeSettings:
    default = recommended(kind)
    return TypeSettings(is_default=choice in (None, default), **_switches(choice or default))


def _switches(choice: Choice) -> dict[str, bool]:
    return {field: getattr(choice, column) for field, column in _COLUMNS.items()}
