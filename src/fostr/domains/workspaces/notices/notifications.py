"""What members can be told about their workspace and their place in it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.notifications.public import Channels, Notice, NotificationType, named_as, register_notifications
from fostr.domains.workspaces.events import (
    API_KEY_CREATED,
    API_KEY_EXPIRING,
    MEMBER_ADDED,
    MEMBER_ITEMS_REASSIGNED,
    MEMBER_UPDATED,
)
from fostr.domains.workspaces.members.repository import list_administrators
from fostr.domains.workspaces.roles.events import ROLE_MEMBERS_MOVED
from fostr.domains.workspaces.teams.events import TEAM_MEMBER_ADDED

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen


async def _administrators(unit: Unit, event: Event) -> list[UUID]:
    return [one for one in await list_administrators(unit) if one != event.entity_id]


async def _whose_role_changed(unit: Unit, event: Event) -> list[UUID]:
    del unit
    before, after = event.before or {}, event.after or {}
    if event.type == ROLE_MEMBERS_MOVED:
        return [UUID(one) for one in after["member_ids"]]
    return [event.entity_id] if before.get("role") != after.get("role") else []


def _joined(seen: Seen) -> Notice:
    return Notice(title=f"{seen.name or 'Somebody'} joined the workspace", link="/settings/members")


def _has_role(seen: Seen) -> Notice | None:
    facts = seen.event.after or {}
    role = facts.get("key" if seen.event.type == ROLE_MEMBERS_MOVED else "role")
    if role is None:
        return None
    return Notice(title="Your role in the workspace was changed", body=f"You are {role} now.", thread="role")


def _in_team(seen: Seen) -> Notice:
    return Notice(title=f"You are in the team {seen.name or ''}".rstrip(), link=f"/teams/{seen.event.entity_id}")


def _handed_over(seen: Seen) -> Notice:
    counts: dict[str, int] = (seen.event.after or {}).get("reassigned") or {}
    listed = [f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(counts.items()) if count]
    return Notice(title="What belonged to a colleague went to you", body=", ".join(listed))


def _key_made(seen: Seen) -> Notice:
    return Notice(
        title=f"An API key was made: {seen.name or (seen.event.after or {}).get('name', '')}".rstrip(": "),
        body="If nobody among you has made it, revoke it now.",
        link="/settings/api-keys",
        thread=f"api_key:{seen.event.entity_id}",
    )


def _key_ends(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    return Notice(
        title=f"An API key ends soon: {facts['name']}",
        body=f"It ends on {datetime.fromisoformat(facts['expires_at']):%Y-%m-%d}. Replace it where it is used.",
        link="/settings/api-keys",
        thread=f"api_key:{seen.event.entity_id}",
    )


register_notifications(
    NotificationType(
        name="member_joined",
        category="team",
        label="Somebody joined",
        description="Somebody became a member of a workspace that you administer.",
        events=frozenset({MEMBER_ADDED}),
        recipients=_administrators,
        compose=_joined,
        defaults=Channels(email=False),
    ),
    NotificationType(
        name="role_changed",
        category="security",
        label="Your role changed",
        description="Somebody gave you another role in the workspace.",
        events=frozenset({MEMBER_UPDATED, ROLE_MEMBERS_MOVED}),
        recipients=_whose_role_changed,
        compose=_has_role,
        is_critical=True,
    ),
    NotificationType(
        name="team_joined",
        category="team",
        label="Added to a team",
        description="Somebody made you part of a team.",
        events=frozenset({TEAM_MEMBER_ADDED}),
        recipients=named_as("member_id"),
        compose=_in_team,
    ),
    NotificationType(
        name="items_handed_over",
        category="assigned_actions",
        label="A colleague's things went to you",
        description="What belonged to somebody else was handed over to you.",
        events=frozenset({MEMBER_ITEMS_REASSIGNED}),
        recipients=named_as("to_member_id"),
        compose=_handed_over,
    ),
    NotificationType(
        name="api_key_created",
        category="security",
        label="API key made",
        description="Somebody made an API key in a workspace that you administer.",
        events=frozenset({API_KEY_CREATED}),
        recipients=_administrators,
        compose=_key_made,
        tells_actor=True,
    ),
    NotificationType(
        name="api_key_expiring",
        category="security",
        label="API key ends soon",
        description="An API key of a workspace that you administer ends within a week.",
        events=frozenset({API_KEY_EXPIRING}),
        recipients=_administrators,
        compose=_key_ends,
    ),
)
