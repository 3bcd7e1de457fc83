"""Members of one class are told the same of everything that happens, whatever rights are drawn."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fostr.domains.workspaces.public import add_member, bump_rights_epoch
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.events.visibility import class_of, expand_seen, see_for_class
from tests.support.cast import create_user
from tests.support.client import Client
from tests.support.records import create_recordset, grant
from tests.support.rights import GRANTS, DrawnRights, World, build, draw_rights
from tests.support.rules import VIEWER, create_rule, leaf
from tests.support.seeing import act, discard, list_events, stir, write

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast, Person

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@dataclass(frozen=True)
class Newcomer:
    """Somebody who comes into a world that was drawn."""

    role: str
    grants: tuple[str, ...]
    is_in_team: bool


def draw_newcomers() -> st.SearchStrategy[list[Newcomer]]:
    """Few roles and few grants, so that some of them stand alike."""
    some = st.sampled_from([(), ("can_view",), ("can_edit", "can_delete_own"), ("can_admin",), GRANTS[:2]])
    one = st.builds(
        Newcomer, role=st.sampled_from(["member", "viewer", "admin"]), grants=some, is_in_team=st.booleans()
    )
    # Each comes twice: two who stand alike.
    return st.lists(one, min_size=3, max_size=4).map(lambda some: some * 2)


async def add_people(runtime: Runtime, workspace_id: UUID, roles: Sequence[str]) -> list[UUID]:
    member_ids: list[UUID] = []
    for number, role in enumerate(roles):
        user_id, _ = await create_user(runtime, f"newcomer{number}")
        async with runtime.database.unit(workspace_id) as unit:
            member_ids.append((await add_member(unit, workspace_id=workspace_id, user_id=user_id, role=role)).id)
    return member_ids


async def let_in(world: World, newcomers: Sequence[Newcomer]) -> list[UUID]:
    """Add people to the drawn world, with what is granted to them."""
    member_ids = await add_people(world.runtime, world.cast.acme, [one.role for one in newcomers])
    maker: Person = world.person(world.drawn.owner)
    async with world.runtime.database.unit(world.cast.acme) as unit:
        await unit.run(
            """
            insert into team_members (workspace_id, team_id, member_id)
            select :workspace, t.id, m from teams t cross join unnest(:members::uuid[]) m
            where t.workspace_id = :workspace
            """,
            members=[member for member, one in zip(member_ids, newcomers, strict=True) if one.is_in_team],
        )
        await bump_rights_epoch(unit)
    for member_id, one in zip(member_ids, newcomers, strict=True):
        if one.grants:
            await grant(world.client.as_(maker), world.recordset, replace(maker, member_id=member_id), *one.grants)
    return member_ids


async def give_records(world: World, member_ids: Sequence[UUID]) -> None:
    """Let each record be owned by another of some members."""
    async with world.runtime.database.unit(world.cast.acme) as unit:
        await unit.run(
            """
            update records r set owner_id = d.owner from unnest(:ids::uuid[], :owners::uuid[]) as d (id, owner)
            where r.workspace_id = :workspace and r.id = d.id
            """,
            ids=[UUID(record_id) for record_id in world.ids],
            owners=[member_id for member_id, _ in zip(cycle(member_ids), world.ids, strict=False)],
        )


async def tell(runtime: Runtime, workspace_id: UUID, member_id: UUID) -> tuple[Hashable, str]:
    """Return a member's class, and everything that they are told as one of it."""
    async with runtime.database.unit(workspace_id) as unit:
        context = await act(runtime, unit, member_id)
        events = await list_events(unit)
        seen: list[Any] = list(await see_for_class(context, events))
        whole = {event.id for event, one in zip(events, seen, strict=True) if one is not None}
        for event in events:
            if event.id in whole:
                seen += [one async for one in expand_seen(context, event)]
        return await class_of(context), write(seen)


@given(drawn=draw_rights(), newcomers=draw_newcomers(), sees_own=st.booleans())
@settings(
    max_examples=4, deadline=None, suppress_health_check=SLOW, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
async def test_a_class_is_told_the_same(
    client: Client, runtime: Runtime, drawn: DrawnRights, newcomers: list[Newcomer], *, sees_own: bool
) -> None:
    world = await build(drawn, client=client, runtime=runtime)
    new = await let_in(world, newcomers)
    member_ids = [*(person.member_id for person in world.cast.people()), *new]
    await give_records(world, new)
    if sees_own:
        maker = client.as_(world.person(drawn.owner))
        await create_rule(maker, world.recordset, leaf("@owner_id", "eq", VIEWER), roles=["member"])
    await stir(world)
    await discard(world)
    told: defaultdict[Hashable, set[str]] = defaultdict(set)
    for member_id in member_ids:
        group, everything = await tell(runtime, world.cast.acme, member_id)
        told[group].add(everything)
    assert all(len(different) == 1 for different in told.values())
    if not sees_own and b"$viewer" not in orjson.dumps([rule.condition for rule in drawn.rules]):
        assert len(told) <= len(member_ids) - len(newcomers) // 2


async def classes_of(runtime: Runtime, cast: Cast, member_ids: Sequence[UUID]) -> list[Hashable]:
    classes: list[Hashable] = []
    for member_id in member_ids:
        async with runtime.database.unit(cast.acme) as unit:
            classes.append(await class_of(await act(runtime, unit, member_id)))
    return classes


async def test_there_are_few_classes(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"key": "name", "name": "Name", "type": "text"}])
    team = (await owner.post("/api/v1/teams", json={"name": "Field crew"})).json()
    body = {"team_id": team["id"], "actions": ["can_edit"]}
    assert (await owner.post(f"/api/v1/recordsets/{recordset['id']}/access", json=body)).status_code == 201
    await create_rule(owner, recordset, leaf("name", "starts_with", "A"), roles=["member"])
    crew = await add_people(runtime, cast.acme, ["member"] * 6)
    others = await add_people(runtime, cast.acme, ["member"] * 6)
    viewers = await add_people(runtime, cast.acme, ["viewer"] * 6)
    for member_id in crew:
        response = await owner.post(f"/api/v1/teams/{team['id']}/members", json={"member_id": str(member_id)})
        assert response.status_code == 201, response.text

    classes = await classes_of(runtime, cast, [*crew, *others, *viewers])
    assert [len(set(classes[start : start + 6])) for start in (0, 6, 12)] == [1, 1, 1]
    assert len(set(classes)) == 3
    admins = await add_people(runtime, cast.acme, ["admin"] * 3)
    assert len(set(await classes_of(runtime, cast, [*admins, cast.admin.member_id]))) == 1

    # Whom a rule names by who they are, it shows to each something else.
    await create_rule(owner, recordset, leaf("@owner_id", "eq", VIEWER), roles=["member"])
    assert len(set(await classes_of(runtime, cast, crew))) == 6
    assert len(set(await classes_of(runtime, cast, others))) == 1


async def test_what_is_open_to_whom_is_read_once_for_all(client: Client, cast: Cast, runtime: Runtime) -> None:
    await create_recordset(client.as_(cast.owner))
    people = await add_people(runtime, cast.acme, ["member"] * 5)

    async def count() -> int:
        statements: list[str] = []
        end = observe_statements(lambda text, _: statements.append(text))
        try:
            await classes_of(runtime, cast, people)
        finally:
            end()
        return len(statements)

    first = await count()
    assert await count() == first - 3
    # The next change of rights has it read anew.
    assert (await client.as_(cast.owner).post("/api/v1/teams", json={"name": "New"})).status_code == 201
    assert await count() == first
