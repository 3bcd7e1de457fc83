"""The picture of an account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel.files.images import MAX_IMAGE_BYTES
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.pictures import BLUE, RED, SVG, bomb, is_near, photo, picture, see, upload

ME = "/api/v1/auth/me"
MINE = f"{ME}/avatar"


async def test_a_picture_is_shown_in_three_sizes_by_an_address_that_stays(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    answer = await upload(member, MINE, photo(), name="IMG 1.jpg")
    assert answer.status_code == 200, answer.text
    address = answer.json()["avatar_url"]
    assert address.startswith(f"http://fostr.test/api/v1/files/pictures/{cast.member.user_id}/")
    assert (await member.get(ME)).json()["avatar_url"] == address
    for size in (64, 256, 512):
        seen = await see(client, address, size=size)
        assert seen.size == (size, size)
        assert is_near(seen.getpixel((size // 2, size // 4)), RED)
        assert not seen.getexif()
    assert (await see(client, address)).size == (256, 256)
    signed = await client.anonymous().get(answer.json()["signed_url"].removeprefix("http://fostr.test"))
    assert signed.headers["content-type"] == "image/webp"


async def test_workspaces_show_it_a_moment_later(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    member = client.as_(cast.member)
    address = (await upload(member, MINE, picture())).json()["avatar_url"]
    await run_jobs()
    profile = (await member.get(ME, params={"workspace_id": str(cast.acme)})).json()
    assert profile["member"]["avatar_url"] == address


async def test_the_next_picture_ends_the_one_before_and_so_does_taking_it_away(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    first = (await upload(member, MINE, picture())).json()["avatar_url"]
    second = (await upload(member, MINE, picture(colour=BLUE))).json()["avatar_url"]
    assert first != second
    assert refusal(await client.get(first.removeprefix("http://fostr.test"))) == (404, "file_not_found")
    assert is_near((await see(client, second)).getpixel((9, 9)), BLUE)
    assert (await member.delete(MINE)).status_code == 204
    assert (await member.get(ME)).json()["avatar_url"] is None
    assert refusal(await client.get(second.removeprefix("http://fostr.test"))) == (404, "file_not_found")
    assert (await member.delete(MINE)).status_code == 204


async def test_an_address_elsewhere_is_replaced_and_nothing_else_is_touched(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    theirs = (await upload(owner, MINE, picture())).json()["avatar_url"]
    # Somebody who points at another's picture does not remove it with their own.
    await member.patch(ME, json={"avatar_url": theirs})
    assert (await upload(member, MINE, picture())).status_code == 200
    assert (await see(client, theirs)).size == (256, 256)


async def test_an_address_elsewhere_ends_the_picture_that_it_replaces(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    address = (await upload(member, MINE, picture())).json()["avatar_url"]
    await member.patch(ME, json={"title": "Pilot"})
    assert (await see(client, address)).size == (256, 256)
    await member.patch(ME, json={"avatar_url": "https://example.com/me.png"})
    assert refusal(await client.get(address.removeprefix("http://fostr.test"))) == (404, "file_not_found")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SVG, (422, "image_refused")),
        (b"", (422, "image_refused")),
        (picture("JPEG")[:300], (422, "image_refused")),
        (picture("TIFF"), (422, "image_refused")),
        (bomb(), (422, "image_too_many_pixels")),
        (picture() + b"\0" * MAX_IMAGE_BYTES, (413, "file_too_large")),
    ],
    ids=["svg", "nothing", "cut", "tiff", "bomb", "bytes"],
)
async def test_what_is_no_picture_changes_nothing(
    client: Client, cast: Cast, content: bytes, expected: tuple[int, str]
) -> None:
    member = client.as_(cast.member)
    address = (await upload(member, MINE, picture())).json()["avatar_url"]
    # The name and the stated type do not matter; the content does.
    assert refusal(await upload(member, MINE, content)) == expected
    assert (await member.get(ME)).json()["avatar_url"] == address
    assert (await see(client, address)).size == (256, 256)


async def test_a_form_without_a_file_is_refused(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    assert refusal(await member.post(MINE)) == (422, "validation_failed")
    assert refusal(await member.post(MINE, data={"file": "text"})) == (422, "validation_failed")
    assert refusal(await upload(client.anonymous(), MINE, picture())) == (401, "unauthorized")


async def test_a_reading_token_and_a_key_change_no_account(client: Client, cast: Cast, runtime: Runtime) -> None:
    reader = client.with_token(await create_token(runtime, cast.member.user_id, scope="read"))
    assert refusal(await upload(reader, MINE, picture())) == (403, "pat_scope_insufficient")
    key = client.with_token(await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme))
    assert refusal(await upload(key, MINE, picture())) == (403, "api_key_is_bound")


async def test_administrators_see_to_the_accounts_of_their_own_people(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    def of(user_id: UUID) -> str:
        return f"/api/v1/auth/{user_id}/avatar"

    admin, member = client.as_(cast.admin), client.as_(cast.member)
    address = (await upload(admin, of(cast.member.user_id), picture())).json()["avatar_url"]
    assert (await member.get(ME)).json()["avatar_url"] == address
    shown = (await member.get(ME, params={"workspace_id": str(cast.acme)})).json()
    assert shown["member"]["avatar_url"] == address
    assert (await upload(member, of(cast.member.user_id), picture())).status_code == 200
    assert (await admin.delete(of(cast.member.user_id))).status_code == 204
    assert (await member.get(ME)).json()["avatar_url"] is None

    assert refusal(await upload(member, of(cast.viewer.user_id), picture())) == (403, "forbidden")
    assert refusal(await member.delete(of(cast.viewer.user_id))) == (403, "forbidden")
    assert refusal(await upload(admin, of(cast.owner.user_id), picture())) == (403, "member_ranks_higher")
    for unknown in (cast.stranger.user_id, new_id()):
        assert refusal(await upload(admin, of(unknown), picture())) == (404, "member_not_found")
    stranger = client.as_(cast.stranger, workspace=cast.acme)
    assert refusal(await upload(stranger, of(cast.member.user_id), picture())) == (404, "not_found")
    async with runtime.database.unit(cast.globex) as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=cast.viewer.user_id, role="member")
    assert refusal(await upload(admin, of(cast.viewer.user_id), picture())) == (403, "account_shared")


async def test_only_what_is_there_is_shown(client: Client, cast: Cast) -> None:
    address = (await upload(client.as_(cast.member), MINE, picture())).json()["avatar_url"]
    path = address.removeprefix("http://fostr.test")
    other = path.replace(str(cast.member.user_id), str(cast.owner.user_id))
    for wrong in (
        other,
        path[:-1],
        f"{path[:-1]}%2f",
        f"/api/v1/files/pictures/{cast.member.user_id}/avatar-{'0' * 32}",
    ):
        assert (await client.anonymous().get(wrong)).status_code == 404
    assert refusal(await client.anonymous().get(path, params={"size": 63})) == (422, "validation_failed")
    assert refusal(await client.anonymous().get(f"{path}00000000")) == (422, "validation_failed")
