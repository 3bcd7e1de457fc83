"""The pictures of members, and the logos of workspaces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.pictures import BLUE, RED, SVG, is_near, picture, see, upload


def of(person: Person) -> str:
    return f"/api/v1/members/{person.member_id}/avatar"


def logo(cast: Cast) -> str:
    return f"/api/v1/workspaces/{cast.acme}/logo"


async def shown(client: Client, cast: Cast, person: Person) -> str | None:
    profile = await client.as_(person).get("/api/v1/auth/me", params={"workspace_id": str(cast.acme)})
    return profile.json()["member"]["avatar_url"]


async def test_members_have_a_picture_in_this_workspace_alone(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    answer = await upload(member, of(cast.member), picture())
    assert answer.status_code == 200, answer.text
    address = answer.json()["avatar_url"]
    assert address.startswith(f"http://fostr.test/api/v1/files/pictures/{cast.acme}/")
    assert await shown(client, cast, cast.member) == address
    assert (await member.get("/api/v1/auth/me")).json()["avatar_url"] is None
    assert is_near((await see(client, address, size=64)).getpixel((32, 32)), RED)
    assert (await client.anonymous().get(answer.json()["signed_url"])).status_code == 200
    assert (await event_types(runtime, cast.acme, entity_id=cast.member.member_id))[-1] == "member.updated"


async def test_it_stays_when_the_account_changes_and_gives_way_to_it_when_taken_away(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    member = client.as_(cast.member)
    own = (await upload(member, of(cast.member), picture())).json()["avatar_url"]
    account = (await upload(member, "/api/v1/auth/me/avatar", picture(colour=BLUE))).json()["avatar_url"]
    await member.patch("/api/v1/auth/me", json={"full_name": "Another Name"})
    await run_jobs()
    assert await shown(client, cast, cast.member) == own
    assert (await member.delete(of(cast.member))).status_code == 204
    assert await shown(client, cast, cast.member) == account
    assert refusal(await client.get(own.removeprefix("http://fostr.test"))) == (404, "file_not_found")
    # The account's own picture is not removed with it, nor by doing it again.
    assert (await member.delete(of(cast.member))).status_code == 204
    assert is_near((await see(client, account)).getpixel((9, 9)), BLUE)


async def test_administrators_see_to_the_pictures_of_members(client: Client, cast: Cast) -> None:
    for person in (cast.owner, cast.admin):
        assert (await upload(client.as_(person), of(cast.member), picture())).status_code == 200
    admin, member = client.as_(cast.admin), client.as_(cast.member)
    assert refusal(await upload(admin, of(cast.owner), picture())) == (403, "member_ranks_higher")
    assert refusal(await upload(member, of(cast.viewer), picture())) == (403, "forbidden")
    assert refusal(await member.delete(of(cast.viewer))) == (403, "forbidden")
    assert (await upload(client.as_(cast.viewer), of(cast.viewer), picture())).status_code == 200


async def test_strangers_and_unknown_members_are_not_found(client: Client, cast: Cast) -> None:
    stranger = client.as_(cast.stranger, workspace=cast.acme)
    assert refusal(await upload(stranger, of(cast.member), picture())) == (404, "not_found")
    admin = client.as_(cast.admin)
    for member_id in (cast.stranger.member_id, new_id()):
        path = f"/api/v1/members/{member_id}/avatar"
        assert refusal(await upload(admin, path, picture())) == (404, "member_not_found")
        assert refusal(await admin.delete(path)) == (404, "member_not_found")
    assert refusal(await upload(client.anonymous(), of(cast.member), picture())) == (401, "unauthorized")


async def test_a_reading_token_uploads_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    token = await create_token(runtime, cast.member.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    assert refusal(await upload(reader, of(cast.member), picture())) == (403, "pat_scope_insufficient")
    assert refusal(await reader.delete(of(cast.member))) == (403, "pat_scope_insufficient")


async def test_what_is_no_picture_is_refused(client: Client, cast: Cast) -> None:
    member, owner = client.as_(cast.member), client.as_(cast.owner)
    assert refusal(await upload(member, of(cast.member), SVG)) == (422, "image_refused")
    assert refusal(await upload(owner, logo(cast), SVG)) == (422, "image_refused")
    assert await shown(client, cast, cast.member) is None


async def test_a_logo_has_clear_margins_and_is_taken_away(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    answer = await upload(owner, logo(cast), picture(size=(400, 100)))
    assert answer.status_code == 200, answer.text
    address = answer.json()["logo_url"]
    assert (await owner.get(f"/api/v1/workspaces/{cast.acme}")).json()["logo_url"] == address
    seen = (await see(client, address, size=512)).convert("RGBA")
    assert seen.getpixel((256, 20)) == (0, 0, 0, 0)
    assert is_near(seen.getpixel((256, 256)), RED)
    assert (await event_types(runtime, cast.acme, entity_id=cast.acme))[-1] == "workspace.updated"
    assert (await owner.delete(logo(cast))).status_code == 204
    assert (await owner.get(f"/api/v1/workspaces/{cast.acme}")).json()["logo_url"] is None
    assert refusal(await client.get(address.removeprefix("http://fostr.test"))) == (404, "file_not_found")


async def test_owners_and_administrators_change_the_logo(client: Client, cast: Cast) -> None:
    assert (await upload(client.as_(cast.admin), logo(cast), picture())).status_code == 200
    for person in (cast.member, cast.viewer):
        assert refusal(await upload(client.as_(person), logo(cast), picture())) == (403, "forbidden")
        assert refusal(await client.as_(person).delete(logo(cast))) == (403, "forbidden")
    assert refusal(await upload(client.as_(cast.stranger), logo(cast), picture())) == (404, "not_found")
    assert refusal(await client.as_(cast.stranger).delete(logo(cast))) == (404, "not_found")


async def test_pointing_at_somebody_else_s_picture_does_not_remove_it(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    own = (await upload(owner, of(cast.owner), picture())).json()["avatar_url"]
    of_acme = (await upload(owner, logo(cast), picture())).json()["logo_url"]
    for address in (own, of_acme):
        await member.patch("/api/v1/auth/me", json={"avatar_url": address})
        await run_jobs()
        assert await shown(client, cast, cast.member) == address
        assert (await member.delete(of(cast.member))).status_code == 204
        assert (await upload(member, of(cast.member), picture())).status_code == 200
        assert (await member.delete(of(cast.member))).status_code == 204
    await owner.patch(f"/api/v1/workspaces/{cast.acme}", json={"logo_url": own})
    assert refusal(await client.get(of_acme.removeprefix("http://fostr.test"))) == (404, "file_not_found")
    assert (await owner.delete(logo(cast))).status_code == 204
    assert (await see(client, own)).size == (256, 256)


async def test_who_is_deleted_for_good_leaves_no_picture(client: Client, cast: Cast) -> None:
    member, admin = client.as_(cast.member), client.as_(cast.admin)
    own = (await upload(member, of(cast.member), picture())).json()["avatar_url"]
    account = (await upload(member, "/api/v1/auth/me/avatar", picture())).json()["avatar_url"]
    gone = await admin.delete(f"/api/v1/workspaces/{cast.acme}/members/{cast.member.member_id}")
    assert (gone.status_code, gone.json()["account_deleted"]) == (200, True)
    for address in (own, account):
        assert refusal(await client.get(address.removeprefix("http://fostr.test"))) == (404, "file_not_found")
