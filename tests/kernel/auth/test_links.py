"""Single-use links: one live link for each purpose, person and workspace, and one winner of many claims."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fostr.kernel import clock
from fostr.kernel.auth.links import Link, MintedLink, claim_link, delete_ended_links, find_link, mint_link, void_links
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast

DAY = timedelta(days=1)


async def mint(
    runtime: Runtime, cast: Cast, *, purpose: str = "test", lifetime: timedelta = DAY, **options: Any
) -> MintedLink:
    async with runtime.database.unit() as unit:
        return await mint_link(unit, purpose=purpose, user_id=cast.member.user_id, lifetime=lifetime, **options)


async def find(runtime: Runtime, token: str, *, purpose: str = "test") -> Link | None:
    async with runtime.database.unit() as unit:
        return await find_link(unit, token, purpose=purpose)


async def claim(runtime: Runtime, token: str, *, purpose: str = "test") -> Link | None:
    async with runtime.database.unit() as unit:
        return await claim_link(unit, token, purpose=purpose)


async def test_a_link_is_found_with_what_was_put_into_it(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast, workspace_id=cast.acme, data={"role": "viewer"}, created_by=cast.owner.user_id)
    link = await find(runtime, minted.token)
    assert link is not None
    assert (link.purpose, link.user_id, link.workspace_id) == ("test", cast.member.user_id, cast.acme)
    assert (link.data, link.created_by, link.expires_at) == (
        {"role": "viewer"},
        cast.owner.user_id,
        minted.expires_at,
    )
    # Looking does not use it up.
    assert await find(runtime, minted.token) == link


async def test_only_the_digest_is_kept_and_the_token_does_not_show(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast)
    assert minted.token not in repr(minted)
    async with runtime.database.unit() as unit:
        row = await unit.value("select l::text from links l where user_id = :id", id=cast.member.user_id)
    assert minted.token not in row
    assert minted.token.removeprefix("fos_lnk_") not in row


async def test_a_link_works_once(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast)
    claimed = await claim(runtime, minted.token)
    assert claimed is not None
    assert await claim(runtime, minted.token) is None
    assert await find(runtime, minted.token) is None


async def test_of_parallel_claims_one_wins(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast)
    claims = await asyncio.gather(*(claim(runtime, minted.token) for _ in range(12)))
    assert sum(link is not None for link in claims) == 1


async def test_a_claim_that_is_undone_leaves_the_link_good(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast)
    unit = runtime.database.unit()
    assert await claim_link(unit, minted.token, purpose="test") is not None
    await unit.rollback()
    assert await claim(runtime, minted.token) is not None


async def test_a_new_link_voids_the_one_before_and_no_other(runtime: Runtime, cast: Cast) -> None:
    first = await mint(runtime, cast)
    elsewhere = await mint(runtime, cast, workspace_id=cast.acme)
    otherwise = await mint(runtime, cast, purpose="another")
    second = await mint(runtime, cast)
    assert await find(runtime, first.token) is None
    assert await find(runtime, second.token) is not None
    assert await find(runtime, elsewhere.token) is not None
    assert await find(runtime, otherwise.token, purpose="another") is not None


async def test_of_links_minted_at_the_same_moment_one_works(runtime: Runtime, cast: Cast) -> None:
    minted = await asyncio.gather(*(mint(runtime, cast) for _ in range(10)))
    found = [await find(runtime, link.token) for link in minted]
    assert sum(link is not None for link in found) == 1


async def test_a_used_link_can_be_followed_by_a_new_one(runtime: Runtime, cast: Cast) -> None:
    first = await mint(runtime, cast)
    assert await claim(runtime, first.token) is not None
    second = await mint(runtime, cast)
    assert await claim(runtime, second.token) is not None


async def test_a_link_is_good_for_its_purpose_and_its_time(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast, lifetime=timedelta(hours=1))
    assert await find(runtime, minted.token, purpose="another") is None
    assert await claim(runtime, minted.token, purpose="another") is None
    with clock.travel(to=clock.now() + timedelta(minutes=59)):
        assert await find(runtime, minted.token) is not None
    with clock.travel(to=clock.now() + timedelta(minutes=61)):
        assert await find(runtime, minted.token) is None
        assert await claim(runtime, minted.token) is None


async def test_what_is_no_link_is_not_looked_up(runtime: Runtime, cast: Cast) -> None:
    minted = await mint(runtime, cast)
    altered = minted.token[:-1] + ("0" if minted.token[-1] != "0" else "1")
    for token in ("", "x", altered, "fos_pat_" + minted.token.removeprefix("fos_lnk_"), "\0" * 50):
        assert await find(runtime, token) is None
        assert await claim(runtime, token) is None


async def test_links_are_voided_for_one_workspace_or_for_all(runtime: Runtime, cast: Cast) -> None:
    here = await mint(runtime, cast, workspace_id=cast.acme)
    there = await mint(runtime, cast, workspace_id=cast.globex)
    nowhere = await mint(runtime, cast)
    user_id = cast.member.user_id
    async with runtime.database.unit() as unit:
        assert await void_links(unit, purpose="test", user_id=user_id, workspace_id=cast.acme) == 1
    assert await find(runtime, here.token) is None
    assert await find(runtime, there.token) is not None
    async with runtime.database.unit() as unit:
        assert await void_links(unit, purpose="test", user_id=user_id) == 2
    assert await find(runtime, nowhere.token) is None


async def test_ended_links_are_deleted_by_the_clock(
    runtime: Runtime, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    with clock.travel(to=clock.now() - timedelta(days=30)):
        await mint(runtime, cast, purpose="over")
        used = await mint(runtime, cast, purpose="used", lifetime=timedelta(days=60))
        await claim(runtime, used.token, purpose="used")
    good = await mint(runtime, cast, purpose="good")
    # The clock stands still, so that no other link of the server ends in between.
    with clock.travel(to=clock.now(), frozen=True):
        async with runtime.database.unit() as unit:
            await dispatch(unit, "auth.delete_ended_links", {}, workspace=None)
        await run_jobs()
        async with runtime.database.unit() as unit:
            rows = await unit.rows("select purpose from links where user_id = :id", id=cast.member.user_id)
            assert await delete_ended_links(unit) == 0
    assert [row["purpose"] for row in rows] == ["good"]
    assert await find(runtime, good.token, purpose="good") is not None
    assert "auth.delete_ended_links" in {entry.name for entry in list_schedules()}
