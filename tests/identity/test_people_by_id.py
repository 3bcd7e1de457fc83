"""Somebody's account, as others in the workspace see and change it; and their role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.auth.links import MintedLink, find_link, mint_link
from fostr.kernel.auth.tables import sessions
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.db.gateway import insert_row
from fostr.kernel.ids import new_id
from fostr.kernel.mail import outbox
from fostr.kernel.runtime import Runtime
from tests.identity.people import new_email
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types

ORDER = ("owner", "admin", "member", "viewer")


def path(person: Person) -> str:
    return f"/api/v1/auth/{person.user_id}"


async def change(client: Client, person: Person, **changes: Any) -> Response:
    return await client.patch(path(person), json=changes)


async def open_session(runtime: Runtime, person: Person, *, age: timedelta, acting: Person | None = None) -> str:
    """Insert a session that began a while ago, and return its cookie."""
    secret, now = mint_token("fos_ses"), clock.now()
    values = {
        "id": new_id(),
        "user_id": person.user_id,
        "kind": "cookie",
        "digest": digest_token(secret),
        "authenticated_at": now - age,
        "last_used_at": now,
        "expires_at": now + timedelta(days=1),
        "acting_user_id": acting.user_id if acting else None,
    }
    async with runtime.database.unit() as unit:
        await insert_row(unit, sessions, values)
        await unit.run(
            "update sessions set workspace_id = :place where id = :id", id=values["id"], place=person.workspace_id
        )
    return secret


def with_cookie(client: Client, cast: Cast, secret: str) -> Client:
    headers = {"Cookie": f"fostr_session={secret}", "X-Workspace-Id": str(cast.acme)}
    return Client(client.inner, client.checker, headers)


async def test_whoever_ranks_as_high_sees_a_person(client: Client, cast: Cast) -> None:
    people = cast.people()
    for caller in people:
        for person in people:
            response = await client.as_(caller).get(path(person))
            if ORDER.index(caller.name) <= ORDER.index(person.name):
                profile = response.json()
                assert (profile["id"], profile["email"]) == (str(person.user_id), person.email)
                assert (profile["member"]["id"], profile["member"]["role"]) == (str(person.member_id), person.name)
                assert "password_hash" not in profile
            else:
                assert refusal(response) == (403, "member_ranks_higher")


async def test_people_elsewhere_are_not_found(client: Client, cast: Cast) -> None:
    for method, body in (("GET", None), ("PATCH", {"title": "Spy"})):
        for target in (path(cast.member), f"/api/v1/auth/{new_id()}"):
            response = await client.as_(cast.stranger).request(method, target, json=body)
            assert refusal(response) == (404, "member_not_found")
        foreign = await client.as_(cast.stranger, workspace=cast.acme).request(method, path(cast.member), json=body)
        assert refusal(foreign) == (404, "not_found")
        nowhere = await client.with_token(cast.owner.token).request(method, path(cast.member), json=body)
        assert refusal(nowhere) == (400, "workspace_required")


async def test_a_person_changes_their_own_account_and_not_their_role(client: Client, cast: Cast) -> None:
    viewer = client.as_(cast.viewer)
    changed = (await change(viewer, cast.viewer, full_name="Vera Example", phone="+1 555 0100")).json()
    assert (changed["full_name"], changed["phone"]) == ("Vera Example", "+1 555 0100")
    assert changed["member"]["full_name"] == "Vera Example"
    for role in ("viewer", "member", "owner"):
        assert refusal(await change(viewer, cast.viewer, role=role)) == (403, "forbidden")


async def test_others_are_changed_by_administrators_up_to_their_own_rank(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    changed = await change(client.as_(cast.admin), cast.member, full_name="Max Example", title="Pilot", bio="Flies.")
    assert (changed.json()["title"], changed.json()["member"]["full_name"]) == ("Pilot", "Max Example")
    assert refusal(await change(client.as_(cast.admin), cast.owner, title="None")) == (403, "member_ranks_higher")
    for caller in (cast.member, cast.viewer):
        assert refusal(await change(client.as_(caller), cast.viewer if caller is cast.member else cast.member)) == (
            403,
            "forbidden",
        )
    async with runtime.database.unit(cast.acme) as unit:
        event = await unit.row(
            """
            select e.type, e.actor, e.before, e.after from events e
            where e.workspace_id = :workspace and e.entity_id = :id order by e.position desc limit 1
            """,
            id=cast.member.member_id,
        )
    assert event is not None
    assert (event["type"], event["actor"]["member_id"]) == ("member.updated", str(cast.admin.member_id))
    assert (event["before"]["full_name"], event["after"]["full_name"]) == ("Member Example", "Max Example")


async def test_roles_are_given_up_to_ones_own(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = client.as_(cast.admin)
    assert (await change(admin, cast.viewer, role="admin")).json()["member"]["role"] == "admin"
    assert refusal(await change(admin, cast.viewer, role="owner")) == (403, "role_too_high")
    assert refusal(await change(admin, cast.owner, role="viewer")) == (403, "member_ranks_higher")
    assert refusal(await change(admin, cast.viewer, role="emperor")) == (422, "role_unknown")
    assert (await change(admin, cast.viewer, role="viewer")).status_code == 200
    assert (await change(client.as_(cast.owner), cast.admin, role="owner")).status_code == 200
    told = await event_types(runtime, cast.acme, entity_id=cast.viewer.member_id)
    assert told == ["member.added", "member.updated", "member.updated"]


async def test_all_of_a_change_is_done_or_nothing(client: Client, cast: Cast) -> None:
    refused = await change(client.as_(cast.admin), cast.viewer, title="Queen", role="owner")
    assert refusal(refused) == (403, "role_too_high")
    assert (await client.as_(cast.admin).get(path(cast.viewer))).json()["title"] == ""


async def test_an_account_that_others_share_is_theirs(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="viewer")
    owner = client.as_(cast.owner)
    for changes in ({"email": new_email()}, {"full_name": "Other"}, {"phone": "1"}):
        assert refusal(await change(owner, cast.member, **changes)) == (403, "account_shared")
    assert (await change(owner, cast.member, role="viewer")).status_code == 200
    assert (await change(client.as_(cast.member), cast.member, full_name="Mine")).status_code == 200


async def test_an_administrator_of_the_server_is_changed_by_their_like(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.member.user_id)
    owner = client.as_(cast.owner)
    assert refusal(await change(owner, cast.member, email=new_email())) == (403, "account_of_superuser")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.owner.user_id)
        await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="viewer")
    assert (await change(owner, cast.member, email=new_email())).status_code == 200


async def test_an_address_is_unverified_after_a_change_and_belongs_to_one(client: Client, cast: Cast) -> None:
    address = new_email("max")
    changed = (await change(client.as_(cast.admin), cast.member, email=address.upper())).json()
    assert (changed["email"], changed["email_verified_at"]) == (address, None)
    assert changed["member"]["email"] == address
    taken = await change(client.as_(cast.admin), cast.viewer, email=address, title="Thief")
    assert refusal(taken) == (409, "email_taken")
    assert (await client.as_(cast.viewer).get(path(cast.viewer))).json()["title"] == ""


async def test_the_address_of_an_account_in_use_is_its_persons(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set password_hash = 'set' where id = :id", id=cast.member.user_id)
        await unit.run("update users set last_sign_in_at = now() where id = :id", id=cast.viewer.user_id)
    for person in (cast.member, cast.viewer):
        refused = await change(client.as_(cast.owner), person, email=new_email(), title="Other")
        assert refusal(refused) == (403, "email_personal")
        assert (await client.as_(person).get(path(person))).json()["title"] == ""
    assert (await change(client.as_(cast.member), cast.member, email=new_email())).status_code == 200
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.owner.user_id)
    assert (await change(client.as_(cast.owner), cast.member, email=new_email())).status_code == 200


async def mail_to(runtime: Runtime, address: str) -> tuple[str, str]:
    """Return the template and the text of the mail that one address was sent."""
    async with runtime.database.unit() as unit:
        mail = await outbox.get_mail(
            unit, mail_id=await unit.value("select id from mails where to_email = :to", to=address)
        )
        text = await outbox.find_text(unit, keys=runtime.keys, mail=mail)
    assert text is not None
    return mail.template, text.text


async def test_a_new_address_is_to_be_confirmed_and_the_old_one_hears_of_it(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    minted: list[MintedLink] = []
    async with runtime.database.unit() as unit:
        minted += [
            await mint_link(unit, purpose=purpose, user_id=cast.member.user_id, lifetime=timedelta(hours=1))
            for purpose in ("activation", "password_reset")
        ]
    address = new_email()
    assert (await change(client.as_(cast.admin), cast.member, email=address)).status_code == 200
    await run_jobs()
    template, told = await mail_to(runtime, cast.member.email)
    assert template == "email_changed"
    assert cast.member.email in told
    assert address in told
    assert (await mail_to(runtime, address))[0] == "activation"
    async with runtime.database.unit() as unit:
        for purpose, link in zip(("activation", "password_reset"), minted, strict=True):
            assert await find_link(unit, link.token, purpose=purpose) is None


async def test_nobody_takes_an_account_that_may_do_more(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    limited = {"name": "Clerk", "base": "admin", "permissions": ["can_edit_members", "can_view_members"]}
    role = (await owner.post("/api/v1/permissions/roles", json=limited)).json()["key"]
    assert (await change(owner, cast.viewer, role=role)).status_code == 200
    clerk = client.as_(cast.viewer)
    assert refusal(await change(clerk, cast.admin, email=new_email())) == (403, "permission_not_held")
    assert (await change(clerk, cast.admin, title="Chief")).status_code == 200


async def test_a_new_address_takes_somebody_who_has_just_signed_in(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    old = with_cookie(client, cast, await open_session(runtime, cast.owner, age=timedelta(days=3)))
    fresh = with_cookie(client, cast, await open_session(runtime, cast.owner, age=timedelta()))
    acting = with_cookie(client, cast, await open_session(runtime, cast.owner, age=timedelta(), acting=cast.admin))
    assert refusal(await change(old, cast.member, email=new_email())) == (403, "recent_sign_in_required")
    assert refusal(await change(old, cast.member, role="owner")) == (403, "recent_sign_in_required")
    assert refusal(await change(acting, cast.member, email=new_email())) == (403, "impersonating")
    assert (await change(old, cast.member, title="Pilot", role="viewer")).status_code == 200
    assert (await change(fresh, cast.member, email=new_email(), role="owner")).status_code == 200


async def test_keys_and_scopes_are_kept_apart(client: Client, cast: Cast, runtime: Runtime) -> None:
    key = client.with_token(await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme))
    assert (await change(key, cast.member, title="Pilot", role="viewer")).status_code == 200
    assert refusal(await change(key, cast.owner, title="Boss")) == (403, "api_key_is_bound")
    reading = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = client.with_token(reading, workspace=cast.acme)
    assert (await reader.get(path(cast.owner))).status_code == 200
    assert refusal(await change(reader, cast.owner, title="Boss")) == (403, "pat_scope_insufficient")
    writing = await create_token(runtime, cast.owner.user_id, scope="write")
    writer = client.with_token(writing, workspace=cast.acme)
    assert (await change(writer, cast.owner, title="Boss")).status_code == 200
    assert refusal(await change(writer, cast.member, title="Boss")) == (403, "pat_scope_insufficient")
    assert refusal(await change(writer, cast.owner, email=new_email())) == (403, "pat_scope_insufficient")


@pytest.mark.parametrize(
    "body", [{"email": "nobody"}, {"full_name": "x" * 201}, {"role": ""}, {"avatar_url": "javascript:x"}, []]
)
async def test_bad_input_changes_nothing(client: Client, cast: Cast, body: Any) -> None:
    response = await client.as_(cast.owner).patch(path(cast.member), json=body)
    assert refusal(response) == (422, "validation_failed")


async def test_a_stale_change_is_refused(client: Client, cast: Cast) -> None:
    owner, seen = client.as_(cast.owner), {"If-Match": '"1"'}
    assert (await owner.patch(path(cast.member), json={"title": "One"}, headers=seen)).json()["version"] == 2
    stale = await owner.patch(path(cast.member), json={"title": "Two"}, headers=seen)
    assert refusal(stale) == (409, "stale_update")
