"""A plain reading of the rights on records: who sees, changes and deletes what, and which values they may know.

It is written from the documentation (docs/rights.md) and shares no line with what it is compared with. `draw_rights`
makes up rights and records at random; `build` puts them into a fresh workspace through the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from hypothesis import strategies as st

from fostr.kernel.ids import new_id
from tests.support.cast import create_cast
from tests.support.records import create_recordset
from tests.support.rules import VIEWER, create_rule, leaf

if TYPE_CHECKING:
    from collections.abc import Callable

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast, Person
    from tests.support.client import Client

INSIDERS: Final = ("owner", "admin", "member", "viewer")
EVERYBODY: Final = (*INSIDERS, "stranger")
STATES: Final = ("CA", "NY", "TX")
GRANTS: Final = ("can_view", "can_create", "can_edit", "can_edit_own", "can_delete", "can_delete_own", "can_admin")
MASKED: Final = ("alpha", "beta")
"""The fields that some may not see or not change."""
MARKED: Final = ("name", *MASKED)
"""The fields whose values are like no others, so that they are recognised wherever they turn up."""


@dataclass(frozen=True)
class DrawnRecord:
    """A record as it is made up; people are named by their roles."""

    state: str | None
    level: int | None
    sign: str
    owner: str | None
    creator: str
    assignee: str | None
    is_deleted: bool


@dataclass(frozen=True)
class DrawnRule:
    """A rule as it is made up; people are named by their roles."""

    actions: tuple[str, ...]
    subject: str
    condition: dict[str, Any]


@dataclass(frozen=True)
class DrawnRights:
    """Everything that decides."""

    owner: str
    hidden_from: dict[str, list[str]]
    read_only_for: dict[str, list[str]]
    grants: dict[str, list[str]]
    team: frozenset[str]
    rules: list[DrawnRule]
    records: list[DrawnRecord]


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    leaves = st.one_of(
        st.sampled_from(STATES).map(lambda state: leaf("state", "eq", state)),
        st.sampled_from(STATES).map(lambda state: leaf("state", "ne", state)),
        st.lists(st.sampled_from(STATES), min_size=1, max_size=2).map(lambda states: leaf("state", "in", states)),
        st.integers(0, 2).map(lambda level: leaf("level", "gt", level)),
        st.booleans().map(lambda empty: leaf("level", "empty", empty)),
        st.sampled_from("xy").map(lambda sign: leaf("alpha", "starts_with", sign)),
        st.sampled_from(["@owner_id", "@created_by"]).map(lambda name: leaf(name, "eq", VIEWER)),
        st.just(leaf("assignee", "has", VIEWER)),
    )
    always: dict[str, Any] = {}
    pairs = st.lists(leaves, min_size=2, max_size=2)
    return st.one_of(
        leaves,
        leaves.map(lambda one: {"not": one}),
        pairs.map(lambda two: {"or": two}),
        pairs.map(lambda two: {"and": two}),
        st.just(always),
    )


def draw_rights() -> st.SearchStrategy[DrawnRights]:
    """Return the strategy of made up rights and records."""
    some = st.lists(st.sampled_from(GRANTS), max_size=3, unique=True)
    # Half of the time people may at least look: of those who may nothing there is little to ask.
    granted = st.one_of(some, st.lists(st.sampled_from(GRANTS[:-1]), min_size=1, max_size=4, unique=True))
    roles = st.lists(st.sampled_from(["admin", "member", "viewer"]), max_size=2, unique=True)
    person = st.one_of(st.none(), st.sampled_from(INSIDERS))
    return st.builds(
        DrawnRights,
        owner=st.sampled_from(["owner", "owner", "member"]),
        hidden_from=st.fixed_dictionaries(dict.fromkeys(MASKED, roles)),
        read_only_for=st.fixed_dictionaries(dict.fromkeys(MASKED, roles)),
        grants=st.fixed_dictionaries({"member": granted, "viewer": granted, "team": some}),
        team=st.frozensets(st.sampled_from(["member", "viewer"])),
        rules=st.lists(
            st.builds(
                DrawnRule,
                actions=st.lists(
                    st.sampled_from(["view", "view", "edit", "delete"]), min_size=1, max_size=2, unique=True
                ).map(tuple),
                subject=st.sampled_from(["everybody", "role:member", "role:viewer", "member", "viewer", "team"]),
                condition=_conditions(),
            ),
            max_size=4,
        ),
        records=st.lists(
            st.builds(
                DrawnRecord,
                state=st.one_of(st.none(), st.sampled_from(STATES)),
                level=st.one_of(st.none(), st.integers(0, 3)),
                sign=st.sampled_from("xy"),
                owner=person,
                creator=st.sampled_from(INSIDERS),
                assignee=person,
                is_deleted=st.sampled_from([False, False, False, True]),
            ),
            min_size=3,
            max_size=5,
        ),
    )


@dataclass
class World:
    """Made up rights in a workspace of their own, and what follows from them."""

    drawn: DrawnRights
    cast: Cast
    client: Client
    runtime: Runtime
    recordset: dict[str, Any] = field(default_factory=dict[str, Any])
    team_id: UUID | None = None
    ids: list[str] = field(default_factory=list[str])
    markers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def person(self, name: str) -> Person:
        """Return somebody of the cast."""
        return getattr(self.cast, name)

    def grants(self, name: str) -> set[str]:
        """Return what was granted to somebody, by name or through their team."""
        own = set(self.drawn.grants.get(name, []))
        return own | (set(self.drawn.grants["team"]) if name in self.drawn.team else set())

    def is_exempt(self, name: str) -> bool:
        """Say whether no rule limits somebody."""
        return name in {"owner", "admin", self.drawn.owner} or "can_admin" in self.grants(name)

    def enters(self, name: str) -> bool:
        """Say whether somebody may see the recordset at all."""
        return name in INSIDERS and (name in {"owner", "admin", self.drawn.owner} or bool(self.grants(name)))

    def rules_for(self, name: str, *actions: str) -> list[list[DrawnRule]]:
        """Return the rules that limit each of some actions, of those that have any."""
        if self.is_exempt(name):
            return []
        subjects = {"everybody", f"role:{name}", name, *(["team"] if name in self.drawn.team else [])}
        mine = [rule for rule in self.drawn.rules if rule.subject in subjects]
        groups = [[rule for rule in mine if action in rule.actions] for action in actions]
        return [group for group in groups if group]

    def within(self, name: str, place: int, *actions: str) -> bool:
        """Say whether the rules leave a record within somebody's reach."""
        return all(
            any(self._meets(rule.condition, name, place) for rule in group) for group in self.rules_for(name, *actions)
        )

    def _meets(self, condition: dict[str, Any], name: str, place: int) -> bool:
        if not condition:
            return True
        if "not" in condition:
            return not self._meets(condition["not"], name, place)
        for word, together in (("or", any), ("and", all)):
            if word in condition:
                return together(self._meets(one, name, place) for one in condition[word])
        return self._meets_one(condition["field"], condition["op"], condition["value"], name, place)

    def _meets_one(self, key: str, op: str, value: Any, name: str, place: int) -> bool:
        record = self.drawn.records[place]
        values: dict[str, Any] = {
            "state": record.state,
            "level": record.level,
            "alpha": record.sign,
            "assignee": record.assignee,
            "@owner_id": record.owner,
            "@created_by": record.creator,
        }
        held, wanted = values[key], name if value == VIEWER else value
        answers: dict[str, Callable[[], bool]] = {
            "eq": lambda: held is not None and held == wanted,
            "has": lambda: held is not None and held == wanted,
            "ne": lambda: held != wanted,
            "in": lambda: held in wanted,
            "gt": lambda: held is not None and held > wanted,
            "empty": lambda: (held is None) is wanted,
            "starts_with": lambda: held == wanted,
        }
        return answers[op]()

    def sees(self, name: str, place: int) -> bool:
        """Say whether somebody sees a record, were it not in the trash."""
        return self.enters(name) and self.within(name, place, "view")

    def may(self, name: str, action: str, place: int) -> bool:
        """Say whether somebody may edit or delete a record."""
        if name == "viewer" or not self.sees(name, place) or not self.within(name, place, action):
            return False
        if name in {"owner", "admin", self.drawn.owner} or self.grants(name) & {f"can_{action}", "can_admin"}:
            return True
        record = self.drawn.records[place]
        return f"can_{action}_own" in self.grants(name) and name in {record.owner, record.creator}

    def may_all(self, name: str, action: str) -> bool:
        """Say whether somebody may edit or delete records whoever made them."""
        granted = name in {"owner", "admin", self.drawn.owner} or self.grants(name) & {f"can_{action}", "can_admin"}
        return name != "viewer" and self.enters(name) and bool(granted)

    def may_own(self, name: str, action: str) -> bool:
        """Say whether somebody may edit or delete at least their own records."""
        owns = name != "viewer" and self.enters(name) and f"can_{action}_own" in self.grants(name)
        return self.may_all(name, action) or owns

    def hidden(self, name: str) -> set[str]:
        """Return the fields whose values somebody may not know."""
        if name in {"owner", self.drawn.owner}:
            return set()
        return {key for key in MASKED if name in self.drawn.hidden_from[key]}

    def read_only(self, name: str) -> set[str]:
        """Return the fields whose values somebody may know and not change."""
        if name in {"owner", self.drawn.owner}:
            return set()
        return {key for key in MASKED if name in self.drawn.read_only_for[key]} - self.hidden(name)

    @property
    def places(self) -> range:
        """The places of all records."""
        return range(len(self.drawn.records))

    def living(self) -> list[int]:
        """Return the records that are not in the trash."""
        return [place for place in self.places if not self.drawn.records[place].is_deleted]

    def seen(self, name: str) -> set[str]:
        """Return the ids of the records that somebody sees."""
        return {self.ids[place] for place in self.living() if self.sees(name, place)}

    def trash(self, name: str) -> set[str]:
        """Return the ids of the records in the trash that somebody may take out of it."""
        return {self.ids[p] for p in self.places if self.drawn.records[p].is_deleted and self.may(name, "delete", p)}

    def secrets(self, name: str) -> set[str]:
        """Return the values that nothing may ever tell somebody."""
        known = self.seen(name) | self.trash(name)
        return {
            value
            for record_id, values in zip(self.ids, self.markers, strict=True)
            for key, value in values.items()
            if record_id not in known or key in self.hidden(name)
        }


async def build(drawn: DrawnRights, *, client: Client, runtime: Runtime) -> World:
    """Put made up rights and records into a workspace of their own."""
    cast = await create_cast(runtime)
    world = World(drawn, cast, client, runtime)
    maker = client.as_(world.person(drawn.owner))
    places = {"title_field": "name", "map": {"lat_field": "lat", "lng_field": "lng"}}
    world.recordset = await create_recordset(maker, fields=_fields(drawn), settings=places)
    world.team_id = await _create_team(world)
    await _grant(world, maker)
    await _create_records(world, maker)
    for rule in drawn.rules:
        await put_rule(world, maker, rule)
    return world


def _fields(drawn: DrawnRights) -> list[dict[str, Any]]:
    masked = [
        {
            "key": key,
            "name": key.title(),
            "type": "text",
            "hidden_from": drawn.hidden_from[key],
            "read_only_for": drawn.read_only_for[key],
        }
        for key in MASKED
    ]
    return [
        {"key": "name", "name": "Name", "type": "text"},
        {"key": "state", "name": "State", "type": "select", "options": {"choices": list(STATES)}},
        {"key": "level", "name": "Level", "type": "number"},
        {"key": "assignee", "name": "Assignee", "type": "member"},
        {"key": "lat", "name": "Latitude", "type": "number"},
        {"key": "lng", "name": "Longitude", "type": "number"},
        *masked,
        # Each record is linked to all others, so that whatever follows a link passes by everything there is to hide.
        {"key": "others", "name": "Others", "type": "link"},
        {"key": "echo", "name": "Echo", "type": "lookup", "options": {"link": "others", "field": "beta"}},
        {"key": "names", "name": "Names", "type": "lookup", "options": {"link": "others", "field": "name"}},
        {
            "key": "least",
            "name": "Least",
            "type": "rollup",
            "options": {"link": "others", "field": "alpha", "function": "min"},
        },
        {"key": "told", "name": "Told", "type": "formula", "options": {"expression": "{alpha} & ' ' & {echo}"}},
    ]


async def _create_team(world: World) -> UUID:
    team_id = new_id()
    members = [world.person(name).member_id for name in world.drawn.team]
    async with world.runtime.database.unit(world.cast.acme) as unit:
        await unit.run("insert into teams (workspace_id, id, name) values (:workspace, :id, 'Team')", id=team_id)
        await unit.run(
            """
            insert into team_members (workspace_id, team_id, member_id)
            select :workspace, :team, m from unnest(:members::uuid[]) m
            """,
            team=team_id,
            members=members,
        )
    return team_id


async def put_rule(world: World, maker: Client, rule: DrawnRule) -> None:
    """Make a rule as it is made up."""
    await create_rule(maker, world.recordset, rule.condition, *rule.actions, **_subject(world, rule))


async def _grant(world: World, maker: Client) -> None:
    for name, actions in world.drawn.grants.items():
        grantee = (
            {"team_id": str(world.team_id)} if name == "team" else {"member_id": str(world.person(name).member_id)}
        )
        if actions:
            path = f"/api/v1/recordsets/{world.recordset['id']}/access"
            response = await maker.post(path, json={**grantee, "actions": actions})
            assert response.status_code == 201, response.text


async def _create_records(world: World, maker: Client) -> None:
    rows: list[dict[str, Any]] = []
    for record in world.drawn.records:
        marked = {key: f"{record.sign if key == 'alpha' else 'n'}{new_id().hex[-12:]}" for key in MARKED}
        # Every name begins with the same word, which finds them all.
        marked["name"] = f"place {marked['name']}"
        values: dict[str, Any] = {**marked, "lat": 30.5, "lng": -95.5}
        if record.state is not None:
            values["state"] = record.state
        if record.level is not None:
            values["level"] = record.level
        if record.assignee is not None:
            values["assignee"] = [str(world.person(record.assignee).member_id)]
        world.markers.append({key: value.removeprefix("place ") for key, value in marked.items()})
        rows.append({"field_values": values})
    body = {"recordset_id": world.recordset["id"], "records": rows}
    response = await maker.post("/api/v1/records/bulk-create", json=body)
    assert response.status_code == 200, response.text
    world.ids = [entry["record_id"] for entry in response.json()["results"]]
    links = [{"id": one, "field_values": {"others": [i for i in world.ids if i != one]}} for one in world.ids]
    body = {"recordset_id": world.recordset["id"], "records": links}
    response = await maker.post("/api/v1/records/bulk-update", json=body)
    assert response.json()["updated"] == len(world.ids), response.text
    await _assign(world)
    deleted = [world.ids[place] for place in world.places if world.drawn.records[place].is_deleted]
    if deleted:
        gone = await maker.post("/api/v1/records/bulk-delete", json={"record_ids": deleted})
        assert gone.json()["deleted"] == len(deleted), gone.text


async def _assign(world: World) -> None:
    async with world.runtime.database.unit(world.cast.acme) as unit:
        await unit.run(
            """
            update records r set created_by = d.creator, owner_id = d.owner
            from unnest(:ids::uuid[], :creators::uuid[], :owners::uuid[]) as d (id, creator, owner)
            where r.workspace_id = :workspace and r.id = d.id
            """,
            ids=[UUID(record_id) for record_id in world.ids],
            creators=[world.person(record.creator).member_id for record in world.drawn.records],
            owners=[
                None if record.owner is None else world.person(record.owner).member_id for record in world.drawn.records
            ],
        )


def _subject(world: World, rule: DrawnRule) -> dict[str, Any]:
    if rule.subject == "everybody":
        return {"everybody": True}
    if rule.subject == "team":
        return {"team_ids": [str(world.team_id)]}
    kind, _, role = rule.subject.partition(":")
    return {"roles": [role]} if role else {"member_ids": [str(world.person(kind).member_id)]}
