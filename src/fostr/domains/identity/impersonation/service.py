"""How somebody of the installation acts in a member's name.

Asked for with a reason, begun by a token within a quarter of an hour, over within the hour. The session works in the
one workspace, administers nothing there, and reaches nothing of the account. Everything done in it names who acted.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from fostr.domains.identity.impersonation import repository
from fostr.domains.identity.impersonation.errors import (
    ImpersonationEnded,
    ImpersonationNotFound,
    NotImpersonable,
)
from fostr.domains.identity.impersonation.events import ENDED, REQUESTED, STARTED
from fostr.domains.identity.impersonation.rules import ASKED, EXCHANGED_WITHIN, LASTS, PURPOSE, EndedReason
from fostr.domains.identity.impersonation.schemas import (
    ActingSession,
    Exchange,
    Impersonation,
    ImpersonationCreate,
    NewImpersonation,
)
from fostr.domains.identity.links.errors import LinkInvalid
from fostr.domains.identity.links.service import open_link, use_link
from fostr.domains.identity.sessions.service import issue_tokens
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.auth.links import Link, mint_link
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import SYSTEM, Actor, Cause, record
from fostr.kernel.http.context import AccountContext, Context, PublicContext
from fostr.kernel.http.errors import NotFound
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import check_limit

log = structlog.get_logger(__name__)

ENTITY: Final = "impersonation"


async def request(
    context: AccountContext, *, workspace_id: UUID, member_id: UUID, data: ImpersonationCreate
) -> NewImpersonation:
    """Write down who wants to act in whose name and why, and make the token that begins it."""
    principal, unit = context.principal, context.unit
    await check_limit(context.runtime.database, ASKED, subject=str(principal.user_id))
    target = await repository.find_target(unit, workspace_id=workspace_id, member_id=member_id)
    if target is None:
        raise NotFound
    if target["is_superuser"] or target["user_id"] == principal.user_id:
        raise NotImpersonable
    unit.enter_workspace(workspace_id)
    impersonation_id = new_id()
    link = await mint_link(
        unit,
        purpose=PURPOSE,
        user_id=target["user_id"],
        workspace_id=workspace_id,
        lifetime=EXCHANGED_WITHIN,
        data={"impersonation_id": str(impersonation_id), "member_id": str(member_id)},
        created_by=principal.user_id,
    )
    await repository.insert_impersonation(
        unit,
        values={
            "id": impersonation_id,
            "member_id": member_id,
            "user_id": target["user_id"],
            "acting_user_id": principal.user_id,
            "acting_name": principal.full_name,
            "acting_email": principal.email,
            "reason": data.reason,
            "now": context.now,
            "expires_at": link.expires_at,
        },
    )
    made = await _get(context, impersonation_id=impersonation_id)
    actor = Actor(user_id=principal.user_id, kind=principal.kind)
    await _record(unit, REQUESTED, made, actor=actor, cause=_cause(context))
    log.info("impersonation_requested", impersonation_id=str(impersonation_id), user_id=str(principal.user_id))
    return NewImpersonation(**asdict(made), token=link.token)


async def exchange(context: PublicContext, *, data: Exchange) -> ActingSession:
    """Begin: open a session of the person's that names who acts in it. The token works once."""
    await open_link(context, token=data.token, purpose=PURPOSE)
    link = await use_link(context, token=data.token, purpose=PURPOSE)
    workspace_id, acting = await _check_still_fitting(context.unit, link)
    context.unit.enter_workspace(workspace_id)
    impersonation_id, session_id = UUID(link.data["impersonation_id"]), new_id()
    ends = context.now + LASTS
    await repository.insert_session(
        context.unit,
        values={
            "id": session_id,
            "user_id": link.user_id,
            "workspace_id": workspace_id,
            "acting_user_id": acting,
            "user_agent": context.facts.user_agent,
            "address": context.facts.address,
            "now": context.now,
            "expires_at": ends,
        },
    )
    if not await repository.start(
        context.unit, impersonation_id=impersonation_id, session_id=session_id, now=context.now, expires_at=ends
    ):
        raise LinkInvalid
    tokens = await issue_tokens(
        context.unit, context.runtime, user_id=link.user_id, session_id=session_id, now=context.now, until=ends
    )
    started = await _get(context, impersonation_id=impersonation_id)
    await _record(context.unit, STARTED, started, actor=_actor(link, acting), cause=_cause(context))
    log.info("impersonation_started", impersonation_id=str(impersonation_id), user_id=str(acting))
    return ActingSession(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        token_type=tokens.token_type,
        expires_in=tokens.expires_in,
        user_id=link.user_id,
        workspace_id=workspace_id,
        acting_as=acting,
        impersonation_id=impersonation_id,
        expires_at=ends,
    )


async def _check_still_fitting(unit: Unit, link: Link) -> tuple[UUID, UUID]:
    """Return the workspace and who acts, as long as what was decided when the token was made still holds.

    Raises:
        LinkInvalid: who asked administers the installation no longer, or the person has left or does administer it.
    """
    if link.workspace_id is None or link.created_by is None:
        raise LinkInvalid
    if not await repository.is_superuser(unit, user_id=link.created_by):
        raise LinkInvalid
    member_id = UUID(link.data["member_id"])
    target = await repository.find_target(unit, workspace_id=link.workspace_id, member_id=member_id)
    if target is None or target["is_superuser"]:
        raise LinkInvalid
    return link.workspace_id, link.created_by


async def list_impersonations(context: Context, *, part: Slice) -> Page[Impersonation]:
    found = await repository.list_impersonations(context.unit, now=context.now, limit=part.limit, offset=part.offset)
    return part.page(found, total=await repository.count_impersonations(context.unit))


async def end_by_workspace(context: Context, *, impersonation_id: UUID) -> Impersonation:
    """End an impersonation, or take the token back before it begins."""
    found = await _get(context, impersonation_id=impersonation_id)
    actor = Actor(context.member_id, context.principal.user_id, context.principal.kind, context.principal.acting_as)
    if found.status == "ended" or not await _end(context, found, reason="ended_by_workspace", actor=actor):
        raise ImpersonationEnded
    return await _get(context, impersonation_id=impersonation_id)


async def end_by_sign_out(context: AccountContext) -> bool:
    """End the impersonation whose session signs out; say whether there was one."""
    principal = context.principal
    found = await repository.find_of_session(context.unit, session_id=principal.credential_id)
    if found is None:
        return False
    context.unit.enter_workspace(found["workspace_id"])
    impersonation = await _get(context, impersonation_id=found["id"])
    actor = Actor(impersonation.member_id, principal.user_id, principal.kind, principal.acting_as)
    return await _end(context, impersonation, reason="signed_out", actor=actor)


async def _end(context: AccountContext, found: Impersonation, *, reason: EndedReason, actor: Actor) -> bool:
    ended = await repository.end(context.unit, impersonation_id=found.id, reason=reason, now=context.now)
    if ended is None:
        return False
    if ended["session_id"] is not None:
        await repository.revoke_session(
            context.unit, session_id=ended["session_id"], reason="impersonation_ended", now=context.now
        )
    over = await _get(context, impersonation_id=found.id)
    await _record(context.unit, ENDED, over, actor=actor, cause=_cause(context))
    await workspaces.bump_rights_epoch(context.unit)
    return True


async def write_down_end(
    unit: Unit, *, impersonation_id: UUID, has_started: bool, reason: EndedReason, cause: Cause, now: datetime
) -> None:
    """Write down that an impersonation is over which nobody ended; what never began, ends without an event."""
    ended = await repository.end(unit, impersonation_id=impersonation_id, reason=reason, now=now)
    if ended is None or not has_started:
        return
    over = await repository.find_impersonation(unit, impersonation_id=impersonation_id, now=now)
    if over is not None:
        await _record(unit, ENDED, over, actor=SYSTEM, cause=cause)


async def _get(context: PublicContext, *, impersonation_id: UUID) -> Impersonation:
    found = await repository.find_impersonation(context.unit, impersonation_id=impersonation_id, now=context.now)
    if found is None:
        raise ImpersonationNotFound
    return found


async def _record(unit: Unit, type: str, found: Impersonation, *, actor: Actor, cause: Cause) -> None:
    after = {
        "member_id": str(found.member_id),
        "acting_as": None if found.acting_as is None else str(found.acting_as),
        "acting_name": found.acting_name,
        "reason": found.reason,
        "ended_reason": found.ended_reason,
    }
    await record(unit, type=type, entity=ENTITY, entity_id=found.id, after=after, actor=actor, cause=cause)


def _actor(link: Link, acting: UUID) -> Actor:
    return Actor(member_id=UUID(link.data["member_id"]), user_id=link.user_id, kind="jwt", acting_as=acting)


def _cause(context: PublicContext) -> Cause:
    return Cause(kind="request", id=context.facts.request_id)
