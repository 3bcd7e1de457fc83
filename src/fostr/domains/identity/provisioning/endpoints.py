"""Operations on provisioning."""

from typing import Annotated

from fastapi import Depends, Path, Request

from fostr.domains.identity.accounts.errors import RegistrationThrottled
from fostr.domains.identity.accounts.schemas import SignUp
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.provisioning import service
from fostr.domains.identity.provisioning.errors import FollowingThrottled, SuperuserRequired
from fostr.domains.identity.provisioning.schemas import ProvisioningStarted, WorkspaceProvision
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import CrossSiteRequest, Impersonating, ScopeInsufficient, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.middleware import LOGGED_PATH
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import KeyIsBound, SignedInToAdminister
from fostr.kernel.http.streams import EventStream, LastEventId
from fostr.kernel.jobs.status import JobNotFound
from fostr.kernel.jobs.streams import parse_position

router = Router(prefix="/auth/signup", tags=["Authentication"])
workspaces_router = Router(prefix="/workspaces", tags=["Workspaces"])


async def require_superuser(context: SignedInToAdminister) -> AccountContext:
    """Guard of operations for who administers the installation, by a session or a token of scope `admin`.

    Raises:
        SuperuserRequired: the caller does not.
    """
    if not context.principal.is_superuser:
        raise SuperuserRequired
    return context


async def hide_path(request: Request) -> None:
    """Keep the id that stands in the path out of the log: it opens what it names."""
    request.scope[LOGGED_PATH] = "/api/v1/auth/signup/jobs/…/stream"


@router.post(
    "/async",
    dependencies=[Depends(check_same_site)],
    responses=raises(PasswordTooWeak, RegistrationThrottled, CrossSiteRequest),
)
async def sign_up(context: Public, data: SignUp) -> ProvisioningStarted:
    """Make an account with a workspace of its own, by a job that can be followed.

    Like `/auth/signup`, but answered at once. Follow `stream_url`: its last event holds the tokens, for the first who
    reads it. What is wrong with the password is said here, and that the address is taken is said by the stream.
    """
    return await service.sign_up(context, data=data)


@router.get(
    "/jobs/{job_id}/stream",
    response_class=EventStream,
    dependencies=[Depends(hide_path)],
    responses=raises(JobNotFound, FollowingThrottled),
)
async def stream(
    context: Public,
    job_id: Annotated[str, Path(max_length=64, description="The secret that starting the job answered.")],
    last_event_id: LastEventId = None,
) -> EventStream:
    """Follow provisioning.

    Server-sent events with `status` (RUNNING, COMPLETED, FAILED), `progress` from 0 to 100, `current_step` (validating,
    creating_user, creating_workspace, seeding, completed) and `result.message`, from the beginning or after
    `Last-Event-ID`. The id is the proof; nobody has to be signed in. On COMPLETED, `result` also has `workspace_id` and
    `workspace_name`, and for a sign-up `access_token` and `refresh_token`: once, within a quarter of an hour. Who reads
    it later gets the rest, and signs in with their password.
    """
    return EventStream(await service.follow(context, secret_id=job_id, after=parse_position(last_event_id)))


@workspaces_router.post(
    "/provision",
    responses=raises(SuperuserRequired, ScopeInsufficient, KeyIsBound, Impersonating),
)
async def provision(
    context: Annotated[AccountContext, Depends(require_superuser)], data: WorkspaceProvision
) -> ProvisioningStarted:
    """Make a workspace for somebody, by a job that can be followed.

    Only for who administers the installation. The owner is found by their address, or gets an account and a mail to
    activate it. Follow `stream_url`; nobody gets tokens by it. Whatever fails leaves nothing half made.
    """
    return await service.provision(context, data=data)
