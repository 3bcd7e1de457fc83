"""Sign people of the cast in, for what takes a session."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fostr.kernel import clock
from fostr.kernel.auth.credentials import COOKIE, SESSION_PREFIX
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.ids import new_id
from tests.support.client import Client

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person


async def signed_in(
    client: Client,
    runtime: Runtime,
    person: Person,
    *,
    ago: timedelta = timedelta(),
    acting: Person | None = None,
) -> Client:
    """Return a client with a session cookie of somebody, who signed in some time ago, or is impersonated."""
    token = mint_token(SESSION_PREFIX)
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            insert into sessions (id, user_id, kind, digest, acting_user_id, workspace_id, authenticated_at, expires_at)
            values (:id, :user_id, 'cookie', :digest, :acting_user_id, :workspace_id, :since, :until)
            """,
            id=new_id(),
            user_id=person.user_id,
            digest=digest_token(token),
            acting_user_id=None if acting is None else acting.user_id,
            workspace_id=person.workspace_id,
            since=clock.now() - ago,
            until=clock.now() + timedelta(days=1),
        )
    headers = {"Cookie": f"{COOKIE}={token}", "X-Workspace-Id": str(person.workspace_id)}
    return Client(client.inner, client.checker, headers)
