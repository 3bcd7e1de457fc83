"""Have an activation link made and mailed, by a job that is part of the transaction."""

from typing import Final
from uuid import UUID

from fostr.kernel.db.unit import Unit
from fostr.kernel.jobs.dispatch import dispatch

SEND: Final = "identity.send_activation"


async def request_activation(unit: Unit, *, user_id: UUID, workspace_id: UUID | None = None) -> None:
    """Have an account's activation mailed, once the transaction has committed.

    Args:
        unit: the transaction that it is part of.
        user_id: the account; where it needs no activation, nothing is sent.
        workspace_id: the workspace that the person begins in; without one, or where they are no member, the first that
            they are a member of.
    """
    given = {"user_id": str(user_id), "workspace_id": str(workspace_id) if workspace_id else None}
    await dispatch(unit, SEND, given, workspace=None)


async def request_activation_of(unit: Unit, *, email: str, workspace_id: UUID | None) -> None:
    """Do the same for whatever address somebody gave.

    Whether there is such an account is looked up by the job: the request does the same work in any case.
    """
    given = {"email": email, "workspace_id": str(workspace_id) if workspace_id else None}
    await dispatch(unit, SEND, given, workspace=None)
