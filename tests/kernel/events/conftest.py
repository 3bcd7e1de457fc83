"""Fixtures of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fostr.kernel.log import configure_log
from tests.support.bare import create_bare_workspace

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings


@pytest.fixture(autouse=True, scope="session")
def plain_log(settings: Settings) -> None:
    """Log as the program does; otherwise the errors that these tests provoke take most of their time to be drawn."""
    configure_log(settings)


@pytest.fixture
async def workspace(runtime: Runtime) -> UUID:
    """A workspace with nobody in it."""
    return await create_bare_workspace(runtime)


@pytest.fixture
async def other_workspace(runtime: Runtime) -> UUID:
    """Another one."""
    return await create_bare_workspace(runtime)
