"""Operations on the health of a workspace."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from fostr.domains.workspaces.permissions import RUN_STEPS
from fostr.domains.workspaces.steps import service
from fostr.domains.workspaces.steps.schemas import MigrationStarted, WorkspaceHealth
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import EventStream, LastEventId
from fostr.kernel.jobs.status import JobNotFound
from fostr.kernel.jobs.streams import parse_position

router = Router(prefix="/workspace", tags=["Workspace Health"])

Member = Annotated[Context, in_workspace(None)]


@router.get(
    "/health",
    responses={503: {"model": WorkspaceHealth, "description": "A step that cannot be done without is to be done."}},
)
async def get_health(context: Member, response: Response) -> WorkspaceHealth:
    """Say what is set up in the workspace, and whether it is up to date.

    After an upgrade there may be steps to be done in each workspace; jobs do them by themselves. The answer is a 503
    while one that cannot be done without is not done.
    """
    health = await service.get_health(context)
    if health.migration_required:
        response.status_code = 503
    return health


@router.post("/migrate")
async def migrate(context: Annotated[Context, in_workspace(RUN_STEPS)]) -> MigrationStarted:
    """Bring the workspace up to date, by a job; where one is at it already, it is that one.

    For when the job that does it by itself has failed, and whatever was in its way is gone.
    """
    return await service.start(context)


@router.get("/migrate/{job_id}/stream", response_class=EventStream, responses=raises(JobNotFound))
async def stream(context: Member, job_id: UUID, last_event_id: LastEventId = None) -> EventStream:
    """Follow the steps being done.

    Server-sent events with `status` (QUEUED, RUNNING, COMPLETED, FAILED), `progress` from 0 to 100, `current_step` and
    `error_message`, from the beginning or after `Last-Event-ID`; the stream ends with the job.
    """
    return EventStream(await service.follow(context, job_id=job_id, after=parse_position(last_event_id)))
