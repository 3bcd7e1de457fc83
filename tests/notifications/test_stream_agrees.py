"""Whatever rights are drawn, and however they change between writes, streams tell what may be known, and all of it.

A story goes from one drawn world to another: its steps are writes and changes of rights, some of them one right after
the other, so that what one step wrote may be told only after the next. Everybody listens: the cast, somebody of another
workspace included, and twins of the member and the viewer, who stand alike until a step parts them. All bytes that came
are searched for values that might not be known at any moment when they could be told; and the streams are held against
what `GET /events` answers. In the end everybody comes back from the beginning, and is told by the rights of the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fostr.kernel.ids import new_id
from tests.support.cast import join
from tests.support.lights import light
from tests.support.listening import Ear, listen
from tests.support.rights import INSIDERS, MARKED, MASKED, DrawnRights, World, build, draw_rights, put_rule

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person
    from tests.support.client import Client
    from tests.support.live import LiveServer
    from tests.support.rights import DrawnRecord

Value = TypeVar("Value")
Settle: TypeAlias = Callable[[], Awaitable[None]]
Act: TypeAlias = "Callable[[Story, int], Awaitable[None]]"

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
TWINS: Final = {"member twin": "member", "viewer twin": "viewer"}
LIMITED: Final = ("member", "viewer", *TWINS)
WRITES: Final[dict[str, Act]] = {}
CHANGES: Final[dict[str, Act]] = {}


@dataclass
class Story:
    """A world that changes, and everything that it was."""

    world: World
    other: DrawnRights
    first: DrawnRights
    twins: dict[str, Person]
    values: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    lights: list[str] = field(default_factory=list[str])

    def person(self, name: str) -> Person:
        """Return somebody who listens."""
        return self.twins.get(name) or self.world.person(name)

    @property
    def owner(self) -> Client:
        return self.world.client.as_(self.world.cast.owner)

    @property
    def recordset(self) -> str:
        return f"/api/v1/recordsets/{self.world.recordset['id']}"

    def record(self, number: int) -> tuple[int, str]:
        """Return one of the records: its place, and its path."""
        place = number % len(self.world.ids)
        return place, f"/api/v1/records/{self.world.ids[place]}"

    def turn(self, **changes: Any) -> None:
        """Let the world be another from here on."""
        self.world = replace(self.world, drawn=replace(self.world.drawn, **changes))

    def turn_record(self, place: int, **changes: Any) -> None:
        records = list(self.world.drawn.records)
        records[place] = replace(records[place], **changes)
        self.turn(records=records)

    def mark(self, place: int, key: str) -> str:
        """Return a value like no other for a field of a record, and keep in mind whose it is."""
        value = f"{self.world.drawn.records[place].sign if key == 'alpha' else 'n'}{new_id().hex[-12:]}"
        self.values.append((place, key, value))
        return f"place {value}" if key == "name" else value

    def secrets(self, world: World, name: str) -> set[str]:
        """Return what somebody may not know in the world as it was at a moment, of everything that ever was."""
        world, name = seen_by(world, name)
        known = world.seen(name) | world.trash(name)
        hidden = world.hidden(name)
        return {value for place, key, value in self.values if self.world.ids[place] not in known or key in hidden}


def seen_by(world: World, name: str) -> tuple[World, str]:
    """Return a world in which a twin is the one who stands for the role, and the role.

    What names the other in person does not name the twin.
    """
    if name not in TWINS:
        return world, name
    role, drawn = TWINS[name], world.drawn

    def rename(one: str | None) -> str | None:
        return "somebody else" if one == role else one

    records = [replace(one, owner=rename(one.owner), assignee=rename(one.assignee)) for one in drawn.records]
    changed = replace(
        drawn,
        owner="owner" if drawn.owner == role else drawn.owner,
        grants={**drawn.grants, role: drawn.grants[name]},
        team=drawn.team - {role} | ({role} if name in drawn.team else set()),
        rules=[one for one in drawn.rules if one.subject != role],
        records=[replace(one, creator=rename(one.creator) or "") for one in records],
    )
    return replace(world, drawn=changed), role


def other_than(current: Value, one: Value, other: Value) -> Value:
    """Return the one of two that is not in force."""
    return other if current == one else one


def write(act: Act) -> Act:
    WRITES[act.__name__] = act
    return act


def change(act: Act) -> Act:
    CHANGES[act.__name__] = act
    return act


async def patch(story: Story, path: str, **body: Any) -> None:
    response = await story.owner.patch(path, json=body)
    assert response.status_code == 200, response.text


# --- writes ---


@write
async def edit(story: Story, number: int) -> None:
    place, path = story.record(number)
    if not story.world.drawn.records[place].is_deleted:
        await patch(story, path, field_values={key: story.mark(place, key) for key in MARKED})


@write
async def comment(story: Story, number: int) -> None:
    place, path = story.record(number)
    if not story.world.drawn.records[place].is_deleted:
        people = [story.person(name) for name in (*INSIDERS, *TWINS)]
        text = " ".join(f"@[{one.name}]({one.member_id})" for one in people)
        response = await story.owner.post(f"{path}/comments", json={"text": f"Look, {text}!"})
        assert response.status_code == 201, response.text


@write
async def keep_view(story: Story, number: int) -> None:
    """Make a view that its maker alone may know of."""
    maker = story.world.client.as_(story.person(("owner", "admin")[number % 2]))
    body = {"name": f"View {new_id()}", "type": "grid", "visibility": "personal"}
    response = await maker.post(f"{story.recordset}/views", json=body)
    assert response.status_code == 201, response.text


@write
async def tag_all(story: Story, number: int) -> None:
    ids = [story.world.ids[place] for place in story.world.living()]
    rows = [{"id": record_id, "tags": [str(number)]} for record_id in ids]
    if rows:
        body = {"recordset_id": story.world.recordset["id"], "records": rows}
        response = await story.owner.post("/api/v1/records/bulk-update", json=body)
        assert response.status_code == 200, response.text


@write
async def create(story: Story, number: int) -> None:
    drawn = story.other.records[number % len(story.other.records)]
    story.turn(records=[*story.world.drawn.records, replace(drawn, creator="owner", is_deleted=False)])
    place = len(story.world.ids)
    body = {
        "recordset_id": story.world.recordset["id"],
        "owner_id": member_id(story, drawn.owner),
        "field_values": {key: story.mark(place, key) for key in MARKED} | state_of(story, drawn),
    }
    response = await story.owner.post("/api/v1/records", json=body)
    assert response.status_code == 201, response.text
    story.world = replace(story.world, ids=[*story.world.ids, response.json()["id"]])


@write
async def throw_away_or_take_back(story: Story, number: int) -> None:
    place, path = story.record(number)
    gone = story.world.drawn.records[place].is_deleted
    response = await (story.owner.post(f"{path}/restore") if gone else story.owner.delete(path))
    assert response.is_success, response.text
    story.turn_record(place, is_deleted=not gone)


@write
async def move(story: Story, number: int) -> None:
    """Let a record be what another one was drawn to be, so that rules show it to others."""
    place, path = story.record(number)
    one = story.world.drawn.records[place]
    if one.is_deleted:
        return
    drawn = story.other.records[number % len(story.other.records)]
    await patch(story, path, owner_id=member_id(story, drawn.owner), field_values=state_of(story, drawn))
    story.turn_record(place, owner=drawn.owner, state=drawn.state, level=drawn.level, assignee=drawn.assignee)


def member_id(story: Story, name: str | None) -> str | None:
    return None if name is None else str(story.person(name).member_id)


def state_of(story: Story, drawn: DrawnRecord) -> dict[str, Any]:
    assignee = member_id(story, drawn.assignee)
    return {"state": drawn.state, "level": drawn.level, "assignee": None if assignee is None else [assignee]}


# --- rights ---


@change
async def grant(story: Story, number: int) -> None:
    name = ("team", *LIMITED)[number % 5]
    role = TWINS.get(name, name)
    current = story.world.drawn.grants[name]
    await put_grant(story, name, other_than(current, story.first.grants[role], story.other.grants[role]))


async def put_grant(story: Story, name: str, actions: list[str]) -> None:
    kind, grantee = ("team", str(story.world.team_id)) if name == "team" else ("member", member_id(story, name))
    if actions:
        body = {f"{kind}_id": grantee, "actions": actions}
        response = await story.owner.post(f"{story.recordset}/access", json=body)
        assert response.status_code == 201, response.text
    elif story.world.drawn.grants[name]:
        response = await story.owner.delete(f"{story.recordset}/access/{kind}s/{grantee}")
        assert response.status_code == 204, response.text
    story.turn(grants={**story.world.drawn.grants, name: actions})


@change
async def hide(story: Story, number: int) -> None:
    key = MASKED[number % 2]
    current = story.world.drawn.hidden_from
    roles = other_than(current[key], story.first.hidden_from[key], story.other.hidden_from[key])
    await patch(story, story.recordset, fields=[{"key": key, "hidden_from": roles}])
    story.turn(hidden_from={**current, key: roles})


@change
async def rule(story: Story, number: int) -> None:
    if story.other.rules:
        one = story.other.rules[number % len(story.other.rules)]
        await put_rule(story.world, story.owner, one)
        story.turn(rules=[*story.world.drawn.rules, one])


@change
async def unrule(story: Story, number: int) -> None:
    listed = (await story.owner.get(f"{story.recordset}/rules")).json()["items"]
    rules = story.world.drawn.rules
    assert len(listed) == len(rules)
    if rules:
        place = number % len(rules)
        ids = [one["id"] for one in sorted(listed, key=lambda one: one["id"])]
        gone = await story.owner.delete(f"{story.recordset}/rules/{ids[place]}")
        assert gone.is_success, gone.text
        story.turn(rules=rules[:place] + rules[place + 1 :])


@change
async def team(story: Story, number: int) -> None:
    await turn_in_team(story, LIMITED[number % 4])


async def turn_in_team(story: Story, name: str) -> None:
    """Let somebody join the team, or leave it."""
    path = f"/api/v1/teams/{story.world.team_id}/members"
    if name in story.world.drawn.team:
        response = await story.owner.delete(f"{path}/{member_id(story, name)}")
    else:
        response = await story.owner.post(path, json={"member_id": member_id(story, name)})
    assert response.is_success, response.text
    story.turn(team=story.world.drawn.team ^ {name})


# --- what is told ---


@dataclass(frozen=True)
class Step:
    """Something that is done, and whether everybody is waited for afterwards."""

    name: str
    number: int
    waits: bool


def draw_steps() -> st.SearchStrategy[list[Step]]:
    names = st.one_of(st.sampled_from(sorted(WRITES)), st.sampled_from(sorted(CHANGES)))
    return st.lists(st.builds(Step, names, st.integers(0, 5), st.booleans()), min_size=8, max_size=14)


def stance(world: World, name: str) -> Any:
    """Return everything that decides what somebody is told, as far as it may change."""
    world, name = seen_by(world, name)
    seen = [(world.ids[p], world.sees(name, p), world.drawn.records[p].is_deleted) for p in world.places]
    return world.enters(name), seen, bool(world.rules_for(name, "view")), world.trash(name), world.hidden(name)


def parts_of(ids: list[str], lights: list[str]) -> list[list[str]]:
    """Divide what was told at the lights, which everybody sees after each step."""
    parts: list[list[str]] = [[]]
    for one in ids:
        if one in lights:
            parts.append([])
        else:
            parts[-1].append(one)
    return parts[:-1]


async def read_log(client: Client, after: str) -> list[str]:
    ids: list[str] = []
    while True:
        page = (await client.get("/api/v1/events", params={"after": after, "limit": 100})).json()
        ids += [item["id"] for item in page["items"]]
        after = page["next"]
        if not page["has_more"]:
            return ids


async def check_told(story: Story, name: str, ear: Ear, worlds: list[World], *, after: str | None = None) -> None:
    """Check what somebody was told of the last steps, after each of which there was one of some worlds.

    With `after`, also of everything before them and behind that event.
    """
    lights = story.lights[-len(worlds) :]
    told: list[str] = []
    texts = [""]
    while not told or told[-1] != lights[-1]:
        told.append((await ear.next()).id)
        texts[-1] += "\n".join(ear.take_lines())
        if told[-1] in lights:
            texts.append("")
    for place, text in enumerate(texts[:-1]):
        secrets = set[str].intersection(*(story.secrets(world, name) for world in worlds[place:]))
        found = sorted(one for one in secrets if one in text)
        assert not found, f"{name} was told {found}: {text}"
    after = after or story.lights[-len(worlds) - 1]
    logged = await read_log(story.world.client.as_(story.person(name)), after)
    for place, (one, other) in enumerate(zip(parts_of(told, lights), parts_of(logged, lights), strict=True)):
        if all(stance(world, name) == stance(worlds[-1], name) for world in worlds[place:]):
            assert one == other, f"{name} by the stream: {one}; by the log: {other}"


async def do(story: Story, steps: list[Step], runtime: Runtime) -> list[World]:
    """Do some steps, one right after the other, and return the worlds that came of them."""
    worlds: list[World] = []
    for step in steps:
        await (WRITES | CHANGES)[step.name](story, step.number)
        story.lights.append(str(await light(runtime, story.world.cast.acme)))
        worlds.append(story.world)
    return worlds


def groups_of(steps: list[Step]) -> list[list[Step]]:
    groups: list[list[Step]] = [[]]
    for step in steps:
        groups[-1].append(step)
        if step.waits:
            groups.append([])
    return [group for group in groups if group]


async def begin(drawn: DrawnRights, other: DrawnRights, *, client: Client, runtime: Runtime) -> Story:
    world = await build(drawn, client=client, runtime=runtime)
    story = Story(world, other, drawn, {name: await join(runtime, world.cast, role) for name, role in TWINS.items()})
    story.values += [(p, key, value) for p, marked in enumerate(world.markers) for key, value in marked.items()]
    story.turn(grants={**drawn.grants, **{name: [] for name in TWINS}})
    for name, role in TWINS.items():
        await put_grant(story, name, drawn.grants[role])
        if role in drawn.team:
            await turn_in_team(story, name)
    return story


@given(drawn=draw_rights(), other=draw_rights(), steps=draw_steps())
@settings(
    max_examples=3, deadline=None, suppress_health_check=SLOW, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
async def test_streams_agree(
    client: Client,
    runtime: Runtime,
    live: LiveServer,
    settle: Settle,
    drawn: DrawnRights,
    other: DrawnRights,
    steps: list[Step],
) -> None:
    story = await begin(drawn, other, client=client, runtime=runtime)
    await settle()
    async with AsyncExitStack() as stack:
        story.lights.append(str(await light(runtime, story.world.cast.acme)))
        ears = {
            name: await stack.enter_async_context(listen(live, story.person(name), after=story.lights[0]))
            for name in (*INSIDERS, *TWINS)
        }
        far = await stack.enter_async_context(listen(live, story.world.cast.stranger))
        # At first everybody is notified of all that they may know, and later may know no more.
        for group in [[Step("comment", place, waits=True) for place in story.world.places], *groups_of(steps)]:
            worlds = await do(story, group, runtime)
            await settle()
            worlds.append(story.world)
            story.lights.append(str(await light(runtime, story.world.cast.acme)))
            for name, ear in ears.items():
                await check_told(story, name, ear, worlds)
        for name in ears:
            async with listen(live, story.person(name), after=story.lights[0]) as back:
                await check_told(story, name, back, [story.world], after=story.lights[0])
        event_id = await light(runtime, story.world.cast.globex)
        assert (await far.next()).id == str(event_id)
        text = "\n".join(far.take_lines())
        assert not [value for _, _, value in story.values if value in text]
        assert not [record_id for record_id in story.world.ids if record_id in text]
