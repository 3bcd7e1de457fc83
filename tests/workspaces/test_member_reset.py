"""A new password for a member, by an administrator: never a way into what is not the workspace's."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.people import PASSWORD, login, new_email
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.mail import link_of, token_of
from tests.support.mailing import Mailing
from tests.workspaces.sessions import signed_in

RESET = "/api/v1/auth/reset-password"


def of(cast: Cast, user_id: UUID, path: str = "") -> str:
    return f"/api/v1/workspaces/{cast.acme}/members/{user_id}/password-reset{path}"


async def set_password(client: Client, token: str) -> Response:
    return await client.post(RESET, json={"token": token, "new_password": PASSWORD})


async def link_for(client: Client, cast: Cast, person: Person) -> str:
    response = await client.post(of(cast, person.user_id, "/link"))
    assert response.status_code == 200, response.text
    return response.json()["url"].partition("token=")[2]


async def test_a_mailed_link_sets_a_new_password(mailing: Mailing, cast: Cast) -> None:
    client = mailing.client
    sent = await client.as_(cast.admin).post(of(cast, cast.member.user_id))
    body = sent.json()
    assert (sent.status_code, body["email"], body["user_id"]) == (200, cast.member.email, str(cast.member.user_id))
    assert "token" not in sent.text
    assert timedelta() < datetime.fromisoformat(body["expires_at"]) - clock.now() <= timedelta(hours=1)
    message = await mailing.mail_to(cast.member.email)
    assert link_of(message).startswith(f"{mailing.runtime.settings.public_url}/reset-password?token=")
    assert (await set_password(client, token_of(message))).status_code == 200
    assert (await login(client, cast.member.email)).status_code == 200
    told = await event_types(mailing.runtime, cast.acme, entity_id=cast.member.member_id)
    assert told[-1] == "member.password_reset_sent"


async def test_a_link_is_handed_on_for_a_day(mailing: Mailing, cast: Cast) -> None:
    client = mailing.client
    admin = await signed_in(client, mailing.runtime, cast.admin)
    first = await link_for(admin, cast, cast.viewer)
    second = await link_for(admin, cast, cast.viewer)
    assert await mailing_is_empty(mailing, cast.viewer)
    assert refusal(await set_password(client, first)) == (403, "link_invalid")
    with clock.travel(to=clock.now() + timedelta(hours=23, minutes=50)):
        assert (await set_password(client, second)).status_code == 200
    assert refusal(await set_password(client, second)) == (403, "link_invalid")
    assert (await login(client, cast.viewer.email)).status_code == 200
    third = await link_for(admin, cast, cast.viewer)
    with clock.travel(to=clock.now() + timedelta(hours=24, minutes=1)):
        assert refusal(await set_password(client, third)) == (403, "link_invalid")


async def mailing_is_empty(mailing: Mailing, person: Person) -> bool:
    return mailing.mailbox.to(person.email) == []


async def test_a_link_that_was_handed_on_confirms_no_address(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set email_verified_at = null where id = :id", id=cast.viewer.user_id)
    admin = await signed_in(client, runtime, cast.admin)
    assert (await set_password(client, await link_for(admin, cast, cast.viewer))).status_code == 200
    assert (await login(client, cast.viewer.email)).json()["user"]["email_verified_at"] is None


async def test_an_account_of_more_than_this_workspace_gets_a_mail_only(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    admin = await signed_in(client, runtime, cast.admin)
    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="viewer")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.viewer.user_id)
    for person in (cast.member, cast.viewer):
        assert refusal(await admin.post(of(cast, person.user_id, "/link"))) == (409, "account_beyond_workspace")
        assert (await admin.post(of(cast, person.user_id))).status_code == 200


async def test_somebody_who_may_more_is_out_of_reach(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = await signed_in(client, runtime, cast.admin)
    for path in ("", "/link"):
        assert refusal(await admin.post(of(cast, cast.owner.user_id, path))) == (403, "member_ranks_higher")
    held = (await client.as_(cast.admin).get("/api/v1/members/me")).json()["permissions"]
    lesser_permissions = [name for name in held if name != "can_manage_modules"]
    made = await client.as_(cast.owner).post(
        "/api/v1/permissions/roles", json={"name": "Lesser", "base": "admin", "permissions": lesser_permissions}
    )
    assert made.status_code == 201, made.text
    moved = await client.as_(cast.owner).patch(
        f"/api/v1/members/{cast.member.member_id}", json={"role": made.json()["key"]}
    )
    assert moved.status_code == 200, moved.text
    lesser = await signed_in(client, runtime, cast.member)
    assert refusal(await lesser.post(of(cast, cast.admin.user_id, "/link"))) == (403, "permission_not_held")
    assert (await lesser.post(of(cast, cast.admin.user_id))).status_code == 200


async def test_only_for_members_who_have_joined(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = await signed_in(client, runtime, cast.admin)
    invited = await admin.post(f"/api/v1/workspaces/{cast.acme}/invite", json={"email": new_email()})
    assert (await client.as_(cast.admin).delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
    for path in ("", "/link"):
        joining = await admin.post(of(cast, UUID(invited.json()["user_id"]), path))
        assert refusal(joining) == (409, "member_not_joined")
        for user_id in (cast.stranger.user_id, cast.viewer.user_id):
            assert refusal(await admin.post(of(cast, user_id, path))) == (404, "member_not_found")


async def test_who_may_not(client: Client, cast: Cast, runtime: Runtime) -> None:
    target = cast.viewer.user_id
    late = await signed_in(client, runtime, cast.admin, ago=timedelta(hours=1))
    assert refusal(await late.post(of(cast, target, "/link"))) == (403, "recent_sign_in_required")
    assert refusal(await client.as_(cast.admin).post(of(cast, target, "/link"))) == (403, "person_required")
    writer = client.with_token(await create_token(runtime, cast.admin.user_id, scope="write"))
    for path in ("", "/link"):
        assert refusal(await client.as_(cast.member).post(of(cast, target, path))) == (403, "forbidden")
        assert refusal(await client.as_(cast.stranger).post(of(cast, target, path))) == (404, "not_found")
        assert refusal(await writer.post(of(cast, target, path))) == (403, "pat_scope_insufficient")


async def test_a_mailbox_is_not_filled(client: Client, cast: Cast) -> None:
    sent = [await client.as_(cast.admin).post(of(cast, cast.viewer.user_id)) for _ in range(11)]
    assert [response.status_code for response in sent[:10]] == [200] * 10
    assert refusal(sent[10]) == (429, "member_reset_throttled")
