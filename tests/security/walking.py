"""Send everything that there is, as somebody, with the ids of what acme keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from tests.contract.test_boundaries import send, snapshot
from tests.security.everything import changed, everything

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.walk import Operation
    from tests.contract.world import World
    from tests.support.client import Client, Response

FEWEST: Final = 100
"""There are more operations that change something; a walk over fewer has lost its way."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Every operation, and one of everything in acme to send it with.

    Attributes:
        admin_url: the database by the login that owns it.
    """

    operations: list[Operation]
    world: World
    openapi: dict[str, Any]
    admin_url: str

    def aimed(self, **ids: UUID) -> Walk:
        """Return a walk with other ids."""
        given = {name: str(value) for name, value in ids.items()}
        return replace(self, world=replace(self.world, ids={**self.world.ids, **given}))

    def unsafe(self, *, without: Iterable[str] = ()) -> list[Operation]:
        """Return what may change something and takes a credential."""
        guarded = [o for o in self.operations if o.writes and o.guard in {"workspace", "account"}]
        assert len(guarded) > FEWEST
        return [operation for operation in guarded if operation.name not in set(without)]

    async def send(self, client: Client, operation: Operation) -> Response:
        """Send the request that would succeed for the right person."""
        return await send(client, operation, self.world, self.openapi)

    async def send_all(self, client: Client, operations: Iterable[Operation]) -> set[int]:
        """Send them one after the other, and return the statuses of the answers; none may be a failure of ours."""
        statuses = {(await self.send(client, operation)).status_code for operation in operations}
        assert max(statuses) < 500
        return statuses

    async def everything(self, tables: Iterable[str] = ()) -> dict[str, str]:
        """Return digests of all that is kept, or of some tables."""
        return await everything(self.admin_url, tables=tables)

    async def changed(self, before: dict[str, str]) -> set[str]:
        """Return the tables that are not as they were."""
        return changed(before, await self.everything(before))

    async def snapshot(self, workspace: object) -> dict[str, str]:
        """Return digests of what a workspace keeps."""
        return await snapshot(self.admin_url, workspace)
