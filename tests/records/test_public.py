"""What other domains are given of records."""

from __future__ import annotations

from uuid import UUID

import pytest

from fostr.domains.records.public import ActionForbidden, RecordsetNotFound, get_recordset
from fostr.kernel import clock
from fostr.kernel.auth.lookup import find_caller
from fostr.kernel.crypto.tokens import digest_token
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import Context, RequestFacts
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client
from tests.support.records import create_recordset, grant


async def context_of(runtime: Runtime, unit: Unit, person: Person) -> Context:
    caller = await find_caller(unit, source="token", key=digest_token(person.token), wanted=person.workspace_id)
    assert caller is not None
    assert caller.access is not None
    unit.enter_workspace(person.workspace_id)
    return Context(
        unit=unit,
        runtime=runtime,
        facts=RequestFacts(request_id="", address="", user_agent=""),
        now=clock.now(),
        principal=caller.principal,
        access=caller.access,
    )


async def test_other_domains_get_what_the_caller_may_have(client: Client, cast: Cast, runtime: Runtime) -> None:
    fields = [{"name": "Name", "type": "text"}, {"name": "Fee", "type": "number", "hidden_from": ["member"]}]
    made = await create_recordset(client.as_(cast.owner), fields=fields)
    await grant(client.as_(cast.owner), made, cast.member, "can_create")
    async with runtime.database.unit() as unit:
        context = await context_of(runtime, unit, cast.member)
        found = await get_recordset(context, reference="airports", action="create")
        assert (found.id, found.name, found.hidden_fields) == (UUID(made["id"]), "Airports", {"fee"})
        assert await get_recordset(context, reference=found.id) == found
        with pytest.raises(ActionForbidden):
            await get_recordset(context, reference="airports", action="administer")
    async with runtime.database.unit() as unit:
        context = await context_of(runtime, unit, cast.viewer)
        with pytest.raises(RecordsetNotFound):
            await get_recordset(context, reference="airports")
