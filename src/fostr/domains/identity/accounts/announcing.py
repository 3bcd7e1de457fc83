"""Tell a person's workspaces what happened to the account, which belongs to none of them."""

from typing import Any, Final
from uuid import UUID

from fostr.domains.identity.accounts import repository
from fostr.kernel.db.unit import Unit
from fostr.kernel.jobs.dispatch import dispatch

RECORD: Final = "identity.record_account_event"


async def announce(unit: Unit, *, type: str, user_id: UUID, after: dict[str, Any], by: UUID | None = None) -> None:
    """Have an event recorded in each workspace, by a job that is part of the transaction.

    An event belongs to a workspace, and a unit of work to one workspace at most.

    Args:
        unit: the transaction that it is part of.
        type: a name of the catalogue.
        user_id: the account.
        after: what the event tells.
        by: who did it, when it was not the person.
    """
    given = {"type": type, "user_id": str(user_id), "after": after, "by": str(by or user_id)}
    for workspace_id in await repository.list_workspace_ids(unit, user_id=user_id):
        await dispatch(unit, RECORD, given, workspace=workspace_id)
