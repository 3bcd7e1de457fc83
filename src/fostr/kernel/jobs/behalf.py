"""Jobs that act for a member: with the rights that the member has while the job runs, not when it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel import clock
from fostr.kernel.auth.lookup import find_member_access, find_member_accesses
from fostr.kernel.auth.principals import Scope
from fostr.kernel.http.context import Context, RequestFacts
from fostr.kernel.http.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from fostr.kernel.access.access import Access
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.jobs.context import JobContext
    from fostr.kernel.runtime import Runtime


class MemberGone(Forbidden):
    """The member on whose behalf the job runs has left the workspace."""

    code = "member_gone"
    detail = "The member who asked for this has left the workspace."


async def act_for_member(job: JobContext, unit: Unit) -> Context:
    """Return the context in which a job's handler calls services.

    Args:
        job: a job that was dispatched with a workspace and a member.
        unit: bound to the job's workspace.

    Raises:
        MemberGone: the member has left, or was deactivated.
    """
    if job.workspace is None or job.created_by is None:
        raise MemberGone
    return await act_as_member(job.runtime, unit, member_id=job.created_by, cause_id=job.id, acting_as=job.acting_as)


async def act_as_member(
    runtime: Runtime,
    unit: Unit,
    *,
    member_id: UUID,
    cause_id: UUID,
    acting_as: UUID | None = None,
    scope: Scope = Scope.WRITE,
) -> Context:
    """Return the context of work that goes on without a request.

    Args:
        runtime: what the process holds.
        unit: bound to the member's workspace.
        member_id: whose rights are used.
        cause_id: the job, or whatever else stands in for a request.
        acting_as: the administrator who asked for it in the member's name, when somebody did.
        scope: how far the member's rights are used; all of them for what is only told to the member.

    Raises:
        MemberGone: the member has left, or was deactivated.
    """
    access = None
    if unit.workspace is not None:
        access = await find_member_access(
            unit, member_id=member_id, workspace_id=unit.workspace, job_id=cause_id, acting_as=acting_as, scope=scope
        )
    if access is None:
        raise MemberGone
    return _act(runtime, unit, access, cause_id=cause_id)


async def act_as_members(
    runtime: Runtime, unit: Unit, *, member_ids: Collection[UUID], cause_id: UUID, scope: Scope = Scope.WRITE
) -> dict[UUID, Context]:
    """Return by member the contexts of work that goes on for several, by one statement; those who left are left out.

    See `act_as_member`.
    """
    if unit.workspace is None:
        return {}
    accesses = await find_member_accesses(
        unit, member_ids=member_ids, workspace_id=unit.workspace, job_id=cause_id, scope=scope
    )
    return {one: _act(runtime, unit, access, cause_id=cause_id) for one, access in accesses.items()}


def _act(runtime: Runtime, unit: Unit, access: Access, *, cause_id: UUID) -> Context:
    return Context(
        unit=unit,
        runtime=runtime,
        facts=RequestFacts(request_id=cause_id.hex, address="", user_agent=""),
        now=clock.now(),
        principal=access.principal,
        access=access,
    )
