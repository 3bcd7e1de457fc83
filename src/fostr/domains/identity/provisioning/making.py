"""What the job does: everything in one transaction, and each step told as it begins."""

from typing import Final
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.activation.requesting import request_activation
from fostr.domains.identity.provisioning import repository
from fostr.domains.identity.provisioning.errors import OwnerClosed
from fostr.domains.identity.provisioning.repository import Provisioning
from fostr.domains.identity.provisioning.rules import SEAL
from fostr.domains.identity.provisioning.schemas import ProvisioningRequest
from fostr.domains.workspaces import public as workspaces
from fostr.kernel import clock
from fostr.kernel.crypto.envelopes import decrypt
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.status import JobNotFound

log = structlog.get_logger(__name__)

STEPS: Final = {
    "validating": (10, "Checking what was given"),
    "creating_user": (30, "Making the account"),
    "creating_workspace": (55, "Making the workspace"),
    "seeding": (80, "Setting up the workspace"),
}


async def make(job: JobContext) -> dict[str, str]:
    """Make what was asked for, once however often the job runs; return where."""
    async with job.unit() as unit:
        found = await repository.find_by_job(unit, job_id=job.id)
        if found is None:
            raise JobNotFound
        if found.workspace_id is not None and found.user_id is not None:
            return await _outcome(unit, workspace_id=found.workspace_id)
        return await _make(job, unit, found)


async def _make(job: JobContext, unit: Unit, found: Provisioning) -> dict[str, str]:
    await _tell(job, "validating")
    request = _open(job, found)
    user_id, is_new = await _ensure_owner(job, unit, found, request)
    await _tell(job, "creating_workspace")
    workspace = await workspaces.provision_workspace(
        unit,
        name=request.workspace_name,
        owner_user_id=user_id,
        actor=Actor(user_id=request.acting_user_id or user_id, kind=request.credential or "session"),
        cause=Cause(kind="request", id=request.request_id),
    )
    await _tell(job, "seeding")
    if is_new:
        await request_activation(unit, user_id=user_id, workspace_id=workspace.id)
    await repository.mark_done(
        unit, provisioning_id=found.id, user_id=user_id, workspace_id=workspace.id, now=clock.now()
    )
    log.info("provisioned", kind=found.kind, user_id=str(user_id), workspace_id=str(workspace.id))
    return await _outcome(unit, workspace_id=workspace.id)


async def _tell(job: JobContext, step: str) -> None:
    progress, message = STEPS[step]
    await job.report(progress=progress, step=step, message=message)


def _open(job: JobContext, found: Provisioning) -> ProvisioningRequest:
    if found.request is None:
        raise JobNotFound
    opened = decrypt(job.runtime.keys, found.request, workspace=None, purpose=SEAL)
    return ProvisioningRequest.model_validate_json(opened)


async def _ensure_owner(
    job: JobContext, unit: Unit, found: Provisioning, request: ProvisioningRequest
) -> tuple[UUID, bool]:
    """Return the owner, and whether their account is new; who signs up must not have one.

    Raises:
        EmailTaken: somebody signs up with an address that has an account.
        OwnerClosed: the account that was to own the workspace is closed.
    """
    owner = await repository.find_owner(unit, email=request.email)
    if owner is not None and found.kind == "signup":
        raise EmailTaken
    if owner is not None and not owner.is_active:
        raise OwnerClosed
    await _tell(job, "creating_user")
    if owner is not None:
        return owner.id, False
    user = await accounts.insert_user(
        unit,
        email=request.email,
        password_hash=request.password_hash,
        full_name=request.full_name,
        is_superuser=False,
        now=clock.now(),
    )
    if user is None:
        # Somebody made it at the same moment. For a sign-up that is final; a workspace can be theirs all the same.
        if found.kind == "signup":
            raise EmailTaken
        return await _ensure_owner(job, unit, found, request)
    return user.id, True


async def _outcome(unit: Unit, *, workspace_id: UUID) -> dict[str, str]:
    name = await repository.find_workspace_name(unit, workspace_id=workspace_id)
    return {"workspace_id": str(workspace_id), "workspace_name": name or ""}
