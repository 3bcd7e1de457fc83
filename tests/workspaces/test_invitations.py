"""Invitations: with and without an account, by mail and by hand, once, and never beyond one's own role."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.people import PASSWORD, login, new_email, sign_up
from tests.support.cast import Cast, Person, create_token, create_user
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.mail import html_of, link_of, text_of, token_of
from tests.support.mailing import Mailing
from tests.workspaces.sessions import signed_in

DETAILS = "/api/v1/workspaces/invitation-details"
ACCEPT = "/api/v1/workspaces/accept-invitation"
CANCEL = "/api/v1/workspaces/cancel-invitation"
MEMBERS = "/api/v1/members"
ANOTHER = "Note-G-Bernoulli-7"


def at(cast: Cast, path: str = "") -> str:
    return f"/api/v1/workspaces/{cast.acme}/invite{path}"


async def invite(client: Client, cast: Cast, email: str, *, by: Person | None = None, **fields: Any) -> dict[str, Any]:
    response = await client.as_(by or cast.admin).post(at(cast), json={"email": email, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def handed_on(client: Client, cast: Cast, **fields: Any) -> str:
    """Have a link made that no mail brings, and return its token."""
    response = await client.as_(cast.admin).post(at(cast, "/link"), json=fields)
    assert response.status_code == 200, response.text
    return response.json()["url"].partition("token=")[2]


async def details(client: Client, token: str) -> Response:
    return await client.get(DETAILS, params={"token": token})


async def accept(client: Client, token: str, **fields: Any) -> Response:
    return await client.post(ACCEPT, json={"token": token, **fields})


async def has_account(runtime: Runtime, email: str) -> bool:
    async with runtime.database.unit() as unit:
        return await unit.value("select exists (select 1 from users where email = :email)", email=email)


async def test_somebody_without_an_account_accepts_by_the_mail(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    invited = await invite(client, cast, email, role="viewer", full_name="Grace", message="See <the> survey.")
    assert (invited["email"], invited["role"], invited["invited_by"]) == (email, "viewer", str(cast.admin.member_id))
    message = await mailing.mail_to(email)
    assert message["Subject"] == "Admin Example invites you to Acme"
    assert "See <the> survey." in text_of(message)
    assert "See &lt;the&gt; survey." in html_of(message)
    assert link_of(message).startswith(f"{mailing.runtime.settings.public_url}/accept-invitation?token=fos_lnk_")

    token = token_of(message)
    shown = await details(client, token)
    assert shown.json() == {
        "workspace_name": "Acme",
        "inviter_name": "Admin Example",
        "email": email,
        "role": "viewer",
        "needs_password": True,
        "expires_at": invited["expires_at"],
    }
    assert refusal(await login(client, email)) == (401, "invalid_credentials")
    assert refusal(await accept(client, token)) == (422, "password_required")
    assert refusal(await accept(client, token, password="password1")) == (422, "password_too_weak")

    accepted = await accept(client, token, password=PASSWORD, full_name="Grace Hopper")
    assert accepted.json() == {
        "workspace_id": str(cast.acme),
        "workspace_name": "Acme",
        "member_id": invited["member_id"],
        "email": email,
        "role": "viewer",
    }
    assert "set-cookie" not in accepted.headers
    entered = (await login(client, email)).json()
    assert entered["user"]["email_verified_at"] is not None
    own = await client.with_token(entered["access_token"], workspace=cast.acme).get(f"{MEMBERS}/me")
    assert (own.json()["role"], own.json()["full_name"], own.json()["status"]) == ("viewer", "Grace Hopper", "active")
    for again in (await details(client, token), await accept(client, token, password=PASSWORD)):
        assert refusal(again) == (404, "invitation_not_found")
    told = await event_types(mailing.runtime, cast.acme, entity_id=UUID(invited["member_id"]))
    assert told == ["member.invited", "member.invitation_sent", "member.added"]


async def test_who_is_invited_is_listed_and_stays_outside(mailing: Mailing, cast: Cast) -> None:
    client, runtime = mailing.client, mailing.runtime
    user_id, email = await create_user(runtime, "grace")
    outside = client.with_token(await create_token(runtime, user_id), workspace=cast.acme)
    invited = await invite(client, cast, email, role="admin")
    listed = (await client.as_(cast.member).get(f"/api/v1/workspaces/{cast.acme}/members")).json()
    pending = next(each for each in listed["items"] if each["id"] == invited["member_id"])
    # Nothing of their account is shown before they have accepted.
    assert (listed["total"], pending["status"], pending["full_name"], pending["avatar_url"]) == (5, "invited", "", None)
    open_ones = (await client.as_(cast.admin).get(f"/api/v1/workspaces/{cast.acme}/invitations")).json()
    assert [each["member_id"] for each in open_ones["items"]] == [invited["member_id"]]
    assert refusal(await outside.get(MEMBERS)) == (404, "not_found")
    assert (await outside.get("/api/v1/workspaces")).json()["total"] == 0
    assert refusal(await client.as_(cast.admin).get(f"/api/v1/auth/{user_id}")) == (404, "member_not_found")
    changed = await client.as_(cast.owner).patch(f"/api/v1/auth/{user_id}", json={"email": new_email()})
    assert refusal(changed) == (404, "member_not_found")
    owner = await signed_in(client, runtime, cast.owner)
    assert refusal(await owner.delete(f"{MEMBERS}/{invited['member_id']}/permanent")) == (409, "member_not_joined")

    async with runtime.database.unit() as unit:
        await unit.run("update users set password_hash = 'x' where id = :id", id=user_id)
    token = token_of(await mailing.mail_to(email))
    assert (await details(client, token)).json()["needs_password"] is False
    assert (await accept(client, token)).status_code == 200
    own = (await outside.get(f"{MEMBERS}/me")).json()
    assert (own["role"], own["full_name"]) == ("admin", "Grace Example")
    assert (await client.as_(cast.admin).get(f"/api/v1/workspaces/{cast.acme}/invitations")).json()["total"] == 0


async def test_of_two_acceptances_at_once_one_counts(mailing: Mailing, cast: Cast) -> None:
    for _ in range(3):
        email = new_email("grace")
        await invite(mailing.client, cast, email)
        token = token_of(await mailing.mail_to(email))
        both = await asyncio.gather(*[accept(mailing.client, token, password=PASSWORD) for _ in range(2)])
        won, lost = sorted(both, key=lambda response: response.status_code)
        assert won.status_code == 200
        assert refusal(lost) in {(409, "invitation_used"), (404, "invitation_not_found")}


async def test_a_new_link_voids_the_old_and_all_end_after_a_week(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    invited = await invite(client, cast, email, message="Welcome.")
    first = token_of(await mailing.mail_to(email))
    again = await client.as_(cast.owner).post(at(cast, "/resend"), json={"user_id": invited["user_id"]})
    assert (again.status_code, again.json()["invited_by"]) == (200, str(cast.owner.member_id))
    message = await mailing.mail_to(email)
    assert "Welcome." in text_of(message)
    second = token_of(message)
    third = await handed_on(client, cast, member_id=invited["member_id"])
    for token in (first, second, "fos_lnk_nonsense"):
        assert refusal(await details(client, token)) == (404, "invitation_not_found")
        assert refusal(await accept(client, token, password=PASSWORD)) == (404, "invitation_not_found")
    assert len(mailing.mailbox.to(email)) == 2
    ends = datetime.fromisoformat((await details(client, third)).json()["expires_at"])
    assert timedelta(days=6, hours=23) < ends - clock.now() <= timedelta(days=7)
    with clock.travel(to=clock.now() + timedelta(days=7, minutes=1)):
        assert refusal(await accept(client, third, password=PASSWORD)) == (404, "invitation_not_found")


async def test_withdrawing_leaves_nothing(mailing: Mailing, cast: Cast) -> None:
    client, runtime, email = mailing.client, mailing.runtime, new_email("grace")
    invited = await invite(client, cast, email)
    token = token_of(await mailing.mail_to(email))
    elsewhere = await client.as_(cast.stranger).post(f"/api/v1/workspaces/{cast.globex}/invite", json={"email": email})
    assert elsewhere.status_code == 201
    gone = await client.as_(cast.admin).post(CANCEL, json={"member_id": invited["member_id"]})
    # Another workspace waits for the same person.
    assert (gone.status_code, gone.json()) == (200, {"account_deleted": False})
    assert refusal(await accept(client, token, password=PASSWORD)) == (404, "invitation_not_found")
    assert refusal(await client.as_(cast.admin).get(f"{MEMBERS}/{invited['member_id']}")) == (404, "member_not_found")
    again = await client.as_(cast.admin).post(CANCEL, json={"member_id": invited["member_id"]})
    assert refusal(again) == (404, "invitation_not_found")
    assert await has_account(runtime, email)
    last = await client.as_(cast.stranger).post(CANCEL, json={"user_id": elsewhere.json()["user_id"]})
    assert last.json() == {"account_deleted": True}
    assert not await has_account(runtime, email)
    told = await event_types(runtime, cast.acme, entity_id=UUID(invited["member_id"]))
    assert told[-1] == "member.removed"
    # By removing the member as well, and never somebody's own account.
    _, known = await create_user(runtime, "ada")
    for address, is_deleted in ((new_email("grace"), True), (known, False)):
        member_id = (await invite(client, cast, address))["member_id"]
        removed = await client.as_(cast.admin).delete(f"/api/v1/workspaces/{cast.acme}/members/{member_id}")
        assert removed.json() == {"invitation_withdrawn": True, "account_deleted": is_deleted}
        assert await has_account(runtime, address) is not is_deleted


async def test_somebody_who_had_left_is_the_same_member_again_or_remains_gone(mailing: Mailing, cast: Cast) -> None:
    client, left, token = mailing.client, cast.member, ""
    assert (await client.as_(cast.admin).delete(f"{MEMBERS}/{left.member_id}")).status_code == 204
    for takes_back in (True, False):
        invited = await invite(client, cast, left.email, role="viewer")
        assert invited["member_id"] == str(left.member_id)
        token = token_of(await mailing.mail_to(left.email))
        if takes_back:
            gone = await client.as_(cast.admin).post(CANCEL, json={"user_id": str(left.user_id)})
            assert gone.json() == {"account_deleted": False}
            shown = (await client.as_(cast.admin).get(f"{MEMBERS}/{left.member_id}")).json()
            assert (shown["status"], shown["full_name"]) == ("removed", "Member Example")
    async with mailing.runtime.database.unit() as unit:
        await unit.run("update users set password_hash = 'x' where id = :id", id=left.user_id)
    assert (await accept(client, token)).status_code == 200
    assert (await client.as_(left).get(f"{MEMBERS}/me")).json()["role"] == "viewer"


async def test_a_link_that_was_handed_on_confirms_no_address(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    token = await handed_on(client, cast, email=email, role="viewer")
    assert mailing.mailbox.to(email) == []
    assert (await details(client, token)).json()["needs_password"] is True
    assert (await accept(client, token, password=PASSWORD)).status_code == 200
    assert (await login(client, email)).json()["user"]["email_verified_at"] is None
    assert (await mailing.mail_to(email))["Subject"] == "Confirm your address"


async def test_no_link_of_one_workspace_opens_what_is_somebody_elses(mailing: Mailing, cast: Cast) -> None:
    """Who has no password yet is invited elsewhere too: there, a link by hand must not make the account one's own."""
    client, email = mailing.client, new_email("grace")
    invited = await client.as_(cast.stranger).post(f"/api/v1/workspaces/{cast.globex}/invite", json={"email": email})
    assert invited.status_code == 201
    mailed = token_of(await mailing.mail_to(email))
    by_hand = await handed_on(client, cast, email=email)
    assert refusal(await accept(client, by_hand, password=PASSWORD)) == (409, "activation_required")
    assert refusal(await login(client, email)) == (401, "invalid_credentials")
    # The mail of the other workspace is the person's own, and settles whose the account is.
    assert (await accept(client, mailed, password=ANOTHER)).status_code == 200
    assert (await accept(client, by_hand)).status_code == 200
    assert (await login(client, email, password=ANOTHER)).status_code == 200


async def test_who_signed_up_with_anothers_address_is_put_out(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("victim")
    squatter = await sign_up(client, email=email)
    waiting = client.with_token(squatter["access_token"])
    assert (await waiting.get("/api/v1/auth/me")).status_code == 200
    await invite(client, cast, email, role="admin")
    token = token_of(await mailing.mail_to(email, about="accept-invitation"))
    assert (await details(client, token)).json()["needs_password"] is True
    assert refusal(await accept(client, token)) == (422, "password_required")
    by_hand = await handed_on(client, cast, email=email)
    assert refusal(await accept(client, by_hand)) == (409, "activation_required")
    await client.as_(cast.admin).post(at(cast, "/resend"), json={"user_id": squatter["user"]["id"]})
    token = token_of(await mailing.mail_to(email, about="accept-invitation"))
    assert (await accept(client, token, password=ANOTHER)).status_code == 200
    assert refusal(await waiting.get("/api/v1/auth/me")) == (401, "unauthorized")
    assert refusal(await login(client, email, password=PASSWORD)) == (401, "invalid_credentials")
    assert (await login(client, email, password=ANOTHER)).status_code == 200


async def test_nobody_invites_above_themselves(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin, owner = client.as_(cast.admin), client.as_(cast.owner)
    too_high = await admin.post(at(cast), json={"email": new_email(), "role": "owner"})
    assert refusal(too_high) == (403, "role_too_high")
    assert refusal(await admin.post(at(cast, "/link"), json={"email": new_email(), "role": "owner"})) == (
        403,
        "role_too_high",
    )
    invited = await invite(client, cast, new_email(), by=cast.owner, role="owner")
    for path in (at(cast, "/link"), at(cast, "/resend")):
        refused = await admin.post(path, json={"member_id": invited["member_id"]})
        assert refusal(refused) == (403, "role_too_high")
    assert refusal(await admin.post(CANCEL, json={"member_id": invited["member_id"]})) == (403, "role_too_high")
    late = await signed_in(client, runtime, cast.owner, ago=timedelta(hours=1))
    refused = await late.post(at(cast), json={"email": new_email(), "role": "owner"})
    assert refusal(refused) == (403, "recent_sign_in_required")
    unknown = await owner.post(at(cast), json={"email": new_email(), "role": "pope"})
    assert refusal(unknown) == (422, "role_unknown")


async def test_nobody_invites_to_what_they_do_not_hold(client: Client, cast: Cast) -> None:
    held = (await client.as_(cast.admin).get(f"{MEMBERS}/me")).json()["permissions"]
    lesser = {"name": "Lesser", "base": "admin", "permissions": [name for name in held if name != "can_create_team"]}
    role = (await client.as_(cast.owner).post("/api/v1/permissions/roles", json=lesser)).json()["key"]
    moved = await client.as_(cast.owner).patch(f"{MEMBERS}/{cast.member.member_id}", json={"role": role})
    assert moved.status_code == 200, moved.text
    for path in ("", "/link"):
        refused = await client.as_(cast.member).post(at(cast, path), json={"email": new_email(), "role": "admin"})
        assert refusal(refused) == (403, "permission_not_held")
    await invite(client, cast, new_email(), by=cast.member, role=role)


async def test_nobody_is_invited_twice(client: Client, cast: Cast) -> None:
    admin, email = client.as_(cast.admin), new_email()
    assert refusal(await admin.post(at(cast), json={"email": cast.viewer.email})) == (409, "already_member")
    assert refusal(await admin.post(at(cast, "/link"), json={"email": cast.viewer.email})) == (409, "already_member")
    both = await asyncio.gather(*[admin.post(at(cast), json={"email": email}) for _ in range(2)])
    assert sorted(response.status_code for response in both) == [201, 409]
    assert refusal(await admin.post(at(cast), json={"email": email.upper()})) == (409, "already_invited")
    other_role = await admin.post(at(cast, "/link"), json={"email": email, "role": "viewer"})
    assert refusal(other_role) == (409, "already_invited")
    nobody = await admin.post(at(cast, "/resend"), json={"member_id": str(cast.viewer.member_id)})
    assert refusal(nobody) == (404, "invitation_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "nonsense"}, "validation_failed"),
        ({"email": "a@example.com", "message": "win at evil.example"}, "message_has_address"),
        ({"email": "a@example.com", "message": "x" * 1001}, "validation_failed"),
    ],
)
async def test_bad_invitations(client: Client, cast: Cast, body: dict[str, str], code: str) -> None:
    assert refusal(await client.as_(cast.admin).post(at(cast), json=body)) == (422, code)


async def test_who_may_not_invite(client: Client, cast: Cast, runtime: Runtime) -> None:
    invited = await invite(client, cast, new_email())
    named = {"member_id": invited["member_id"]}
    requests = [(at(cast), {"email": new_email()}), (at(cast, "/link"), named), (at(cast, "/resend"), named)]
    requests.append((CANCEL, named))
    writer = client.with_token(await create_token(runtime, cast.admin.user_id, scope="write"), workspace=cast.acme)
    stranger = client.as_(cast.stranger, workspace=cast.acme)
    for path, body in requests:
        assert refusal(await client.as_(cast.member).post(path, json=body)) == (403, "forbidden")
        assert refusal(await writer.post(path, json=body)) == (403, "pat_scope_insufficient")
        assert refusal(await stranger.post(path, json=body)) == (404, "not_found")
    assert refusal(await client.as_(cast.stranger).post(CANCEL, json=named)) == (404, "invitation_not_found")
    assert refusal(await client.as_(cast.admin).post(CANCEL, json={})) == (422, "validation_failed")


async def test_a_mailbox_is_not_filled(client: Client, cast: Cast) -> None:
    invited = await invite(client, cast, new_email())
    resend = [
        await client.as_(cast.admin).post(at(cast, "/resend"), json={"member_id": invited["member_id"]})
        for _ in range(20)
    ]
    assert [response.status_code for response in resend] == [200] * 19 + [429]
    assert refusal(resend[-1]) == (429, "invitation_throttled")
