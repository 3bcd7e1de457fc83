"""Let a person in who has shown who they are by something else than a password; and put all others out."""

from datetime import datetime
from uuid import UUID

import structlog

from fostr.domains.identity.factors import repository as factors
from fostr.domains.identity.factors.pending import ask_for_second_factor
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.sessions import repository
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.domains.identity.sessions.service import open_session
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import PublicContext
from fostr.kernel.ids import new_id

log = structlog.get_logger(__name__)


async def let_in(
    context: PublicContext, *, user_id: UUID, workspace_id: UUID | None = None
) -> OpenedSession | SecondFactorNeeded:
    """Open a session like signing in by password does, or ask for the second factor where there is one.

    Args:
        context: the request.
        user_id: an account that is open, whose person has shown who they are.
        workspace_id: the workspace to begin in; without one, the one that they were last in.
    """
    needed = await ask_for_second_factor(context, user_id=user_id)
    if needed is not None:
        return needed
    begin_in = workspace_id or await repository.find_last_workspace_id(context.unit, user_id=user_id)
    return await open_session(context, user_id=user_id, workspace_id=begin_in)


async def end_all_sessions(unit: Unit, *, user_id: UUID, reason: str, now: datetime) -> int:
    """End every session of a person, with its refresh tokens, and every sign-in that is under way."""
    # No session has the id that is spared.
    ended = await repository.revoke_other_sessions(unit, user_id=user_id, kept=new_id(), reason=reason, now=now)
    await factors.delete_pending_of(unit, user_id=user_id)
    await workspaces.bump_rights_epochs_of(unit, user_id=user_id)
    log.info("all_sessions_ended", user_id=str(user_id), reason=reason, ended=ended)
    return ended
