"""How an account and its workspace are made by a job, and how the job is followed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

from fostr.domains.identity.accounts.rules import REGISTRATIONS
from fostr.domains.identity.accounts.schemas import SignUp
from fostr.domains.identity.passwords.service import hash_new_password
from fostr.domains.identity.provisioning import repository
from fostr.domains.identity.provisioning.repository import Provisioning
from fostr.domains.identity.provisioning.rules import (
    FOLLOWED,
    JOB,
    SEAL,
    TOKENS_WITHIN,
    Kind,
    is_secret_id,
    mint_secret_id,
)
from fostr.domains.identity.provisioning.schemas import (
    ProvisioningRequest,
    ProvisioningStarted,
    WorkspaceProvision,
)
from fostr.domains.identity.sessions.service import open_session
from fostr.kernel import clock
from fostr.kernel.crypto.envelopes import encrypt
from fostr.kernel.crypto.tokens import digest_token
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.http.streams import ServerEvent
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import JobEvent, JobNotFound, stream_job
from fostr.kernel.jobs.streams import STATUSES
from fostr.kernel.limits.limit import check_limit, give_back, network_of

STREAM: Final = "/api/v1/auth/signup/jobs/{}/stream"
COMPLETED: Final = "completed"
_TOLD: Final = {"queued": "RUNNING", "running": "RUNNING", "completed": "COMPLETED"}
"""The words of the stream; what has not begun yet is told as running, and whatever else ended as failed."""


async def sign_up(context: PublicContext, *, data: SignUp) -> ProvisioningStarted:
    """Have an account and its workspace made by a job, once the password is known to be good."""
    await check_limit(context.runtime.database, REGISTRATIONS, subject=network_of(context.facts.address))
    password_hash = await hash_new_password(
        data.password.get_secret_value(),
        email=data.email,
        full_name=data.full_name,
        cost=context.settings.password_hash_cost,
    )
    request = ProvisioningRequest(
        email=data.email,
        full_name=data.full_name,
        workspace_name=data.company_name,
        password_hash=password_hash,
        request_id=context.facts.request_id,
        acting_user_id=None,
        credential=None,
    )
    return await _start(context, kind="signup", request=request)


async def provision(context: AccountContext, *, data: WorkspaceProvision) -> ProvisioningStarted:
    """Have a workspace made by a job, for an owner who may not have an account yet."""
    kind = context.principal.kind
    request = ProvisioningRequest(
        email=data.email,
        full_name=data.full_name,
        workspace_name=data.workspace_name,
        password_hash=None,
        request_id=context.facts.request_id,
        acting_user_id=context.principal.user_id,
        credential=kind if kind in ("session", "jwt", "pat") else None,
    )
    return await _start(context, kind="workspace", request=request)


async def _start(context: PublicContext, *, kind: Kind, request: ProvisioningRequest) -> ProvisioningStarted:
    secret_id, unit = mint_secret_id(), context.unit
    job_id = await dispatch(unit, JOB, {}, workspace=None)
    await repository.insert_provisioning(
        unit,
        provisioning_id=new_id(),
        digest=digest_token(secret_id),
        kind=kind,
        job_id=job_id,
        request=encrypt(context.runtime.keys, request.model_dump_json().encode(), workspace=None, purpose=SEAL),
        now=context.now,
    )
    return ProvisioningStarted(job_id=secret_id, stream_url=STREAM.format(secret_id), status="QUEUED")


async def follow(context: PublicContext, *, secret_id: str, after: int | None) -> AsyncGenerator[ServerEvent]:
    """Follow a job by its secret id.

    Raises:
        JobNotFound: there is none of that id, or it is forgotten.
        FollowingThrottled: too many wrong ids came from the address.
    """
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, FOLLOWED, subject=network)
    found = None
    if is_secret_id(secret_id):
        async with database.unit() as unit:
            found = await repository.find_by_digest(unit, digest=digest_token(secret_id))
    if found is None:
        raise JobNotFound
    await give_back(database, FOLLOWED, subject=network)
    return _told(context, found, after=after)


async def _told(context: PublicContext, found: Provisioning, *, after: int | None) -> AsyncGenerator[ServerEvent]:
    step: str | None = None
    events = stream_job(context.runtime, found.job_id, workspace=None, after=after)
    async with aclosing(events):
        async for event in events:
            step = COMPLETED if event.kind == COMPLETED else event.data.get("step") or step
            told = _tell(event, step)
            if event.kind == COMPLETED:
                told["result"] |= await _outcome(context, found.id, event)
            yield ServerEvent(data=told, event="status", id=str(event.seq))


def _tell(event: JobEvent, step: str | None) -> dict[str, Any]:
    status = _TOLD.get(STATUSES.get(event.kind, event.kind), "FAILED")
    return {
        "status": status,
        "progress": event.data.get("progress", 0),
        "current_step": step,
        "result": _tell_failure(event) if status == "FAILED" else {"message": _message(event, status)},
        "at": event.created_at,
    }


def _message(event: JobEvent, status: str) -> str:
    return event.data.get("message") or ("The workspace is ready" if status == "COMPLETED" else "Waiting to begin")


def _tell_failure(event: JobEvent) -> dict[str, str]:
    error: dict[str, str] = event.data.get("error") or {"detail": "It was cancelled.", "code": "cancelled"}
    return {"message": error["detail"], "code": error["code"]}


async def _outcome(context: PublicContext, provisioning_id: UUID, event: JobEvent) -> dict[str, Any]:
    """Return what a job came to; for the first who reads it of a sign-up, with a session."""
    made: dict[str, Any] = event.data.get("result") or {}
    now, runtime = clock.now(), context.runtime
    async with runtime.database.unit() as unit:
        user_id = await repository.take_tokens(
            unit, provisioning_id=provisioning_id, now=now, not_before=now - TOKENS_WITHIN
        )
        if user_id is None:
            return made
        reader = PublicContext(unit=unit, runtime=runtime, facts=context.facts, now=now)
        opened = await open_session(reader, user_id=user_id, workspace_id=UUID(made["workspace_id"]))
    tokens = opened.tokens
    return {
        **made,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": tokens.token_type,
        "expires_in": tokens.expires_in,
    }
