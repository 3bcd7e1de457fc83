"""What can be asked about the health of a workspace, and done about it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

from fostr.domains.workspaces.readiness import BRAND, COMPANY_ONBOARDING, PERSONAL_ONBOARDING, read_flag
from fostr.domains.workspaces.steps import repository
from fostr.domains.workspaces.steps.repository import StepState
from fostr.domains.workspaces.steps.running import JOB, WORKFLOW
from fostr.domains.workspaces.steps.schemas import MigrationStarted, PendingStep, StepFailure, WorkspaceHealth
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import NotFound
from fostr.kernel.http.streams import ServerEvent
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import Job, JobEvent, JobNotFound, get_job, list_jobs
from fostr.kernel.jobs.streams import STATUSES, follow_job
from fostr.kernel.jobs.transitions import OPEN
from fostr.kernel.steps import list_steps, newest_step

STREAM: Final = "/api/v1/workspace/migrate/{}/stream"


async def get_health(context: Context) -> WorkspaceHealth:
    state = await repository.find_state(context.unit, workspace_id=context.workspace_id)
    if state is None:
        raise NotFound
    pending = [
        PendingStep(number=step.number, label=step.label, is_required=step.is_required)
        for step in list_steps(after=state.step)
    ]
    return WorkspaceHealth(
        brand=await read_flag(context, BRAND),
        migration_required=any(step.is_required for step in pending),
        personal_onboarding_complete=await read_flag(context, PERSONAL_ONBOARDING),
        company_onboarding_complete=await read_flag(context, COMPANY_ONBOARDING),
        step=state.step,
        newest_step=newest_step(),
        pending=pending,
        failure=_failure(state),
        job_id=await _find_open_job(context) if pending else None,
    )


def _failure(state: StepState) -> StepFailure | None:
    if state.failed_step is None or state.error is None or state.failed_at is None:
        return None
    return StepFailure(number=state.failed_step, message=state.error, at=state.failed_at)


async def _find_open_job(context: Context) -> UUID | None:
    jobs, _ = await list_jobs(context.unit, names=[JOB], statuses=OPEN, limit=1)
    return jobs[0].id if jobs else None


async def start(context: Context) -> MigrationStarted:
    """Have a job do what is to be done; while one is open, it is that one."""
    # On nobody's behalf: it goes on when whoever asked for it is removed.
    job_id = await dispatch(context.unit, JOB, {}, workspace=context.workspace_id, workflow_id=WORKFLOW)
    job = await get_job(context.unit, job_id)
    return MigrationStarted(
        job_id=job.id,
        stream_url=STREAM.format(job.id),
        status="RUNNING" if job.status == "running" else "QUEUED",
    )


async def follow(context: Context, *, job_id: UUID, after: int | None) -> AsyncGenerator[ServerEvent]:
    """Follow a job that does steps.

    Raises:
        JobNotFound: there is no such job in the workspace, or it does something else.
    """
    return _told(await follow_job(context, job_id, find=_find, after=after))


async def _find(context: Context, job_id: UUID) -> Job:
    job = await get_job(context.unit, job_id)
    if job.name != JOB:
        raise JobNotFound
    return job


async def _told(events: AsyncGenerator[JobEvent]) -> AsyncGenerator[ServerEvent]:
    step: str | None = None
    async with aclosing(events):
        async for event in events:
            step = event.data.get("message") or step
            yield ServerEvent(data=_tell(event, step), event=event.kind, id=str(event.seq))


def _tell(event: JobEvent, step: str | None) -> dict[str, Any]:
    status = "failed" if event.kind == "cancelled" else STATUSES.get(event.kind, event.kind)
    error: dict[str, Any] = event.data.get("error") or {"detail": "It was cancelled."}
    return {
        "status": status.upper(),
        "progress": event.data.get("progress", 0),
        "current_step": step,
        "error_message": error["detail"] if status == "failed" else None,
        "at": event.created_at,
    }
