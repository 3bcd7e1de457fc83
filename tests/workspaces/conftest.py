"""The application with a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.client import Client
from tests.support.mailing import Mailing, open_mailing


@pytest.fixture
async def mailing(runtime: Runtime, client: Client) -> AsyncIterator[Mailing]:
    """A client whose mails arrive at a server."""
    async with open_mailing(runtime, client) as opened:
        yield opened
