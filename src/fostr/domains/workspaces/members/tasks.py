"""Jobs about members."""

from uuid import UUID

from fostr.domains.workspaces.members import service
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job


@job("workspaces.update_member_copy")
async def update_member_copy(context: JobContext) -> None:
    """Bring what a workspace shows of a person up to date with their account."""
    async with context.unit() as unit:
        await service.update_copy(unit, user_id=UUID(context.input["user_id"]))
