"""Follow a workspace without HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fostr.domains.notifications.stream.service import compose
from fostr.kernel.auth.lookup import Held
from fostr.kernel.jobs.behalf import act_as_member
from tests.support.listening import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.events.followers import Compose, Follower
    from fostr.kernel.events.hub import Hub
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person


async def credential_of(runtime: Runtime, person: Person) -> Held:
    async with runtime.database.unit() as unit:
        token_id = await unit.value("select id from tokens where user_id = :user_id", user_id=person.user_id)
    return Held("token", token_id)


@asynccontextmanager
async def following(
    hub: Hub, runtime: Runtime, person: Person, *, last_event_id: str | None = None, compose: Compose = compose
) -> AsyncGenerator[Follower]:
    """Follow a workspace without HTTP, as a person does who is asked for nothing."""
    held = await credential_of(runtime, person)
    async with runtime.database.unit(person.workspace_id) as unit:
        context: Context = await act_as_member(runtime, unit, member_id=person.member_id, cause_id=held.credential_id)
        follower = await hub.follow(context, held=held, compose=compose, last_event_id=last_event_id)
    hub.enter(runtime, follower)
    try:
        yield follower
    finally:
        hub.leave(follower)


async def take_ids(follower: Follower, count: int) -> list[str]:
    """Return the ids of the next workspace events."""
    ids: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(ids) < count:
            chunk = await follower.take()
            if chunk is None:
                raise EOFError
            packets = chunk.decode().split("\n\n")
            ids += [packet.split("\n")[0].removeprefix("id: ") for packet in packets if "event: workspace" in packet]
    return ids
