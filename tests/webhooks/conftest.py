"""Fixtures of the tests of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.records import create_recordset


@pytest.fixture(autouse=True)
async def nothing_is_left_for_later(runtime: Runtime) -> AsyncIterator[None]:
    """Forget what a test's webhooks would send later: the tests that travel through time would come upon it."""
    yield
    async with runtime.database.unit() as unit:
        await unit.run("delete from webhook_lanes")
        await unit.run("delete from pgqueuer where execute_after > now()")


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset whose records have a name."""
    return await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
