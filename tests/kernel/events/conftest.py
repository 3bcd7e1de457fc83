"""Fixtures of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.bare import create_bare_workspace

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime


@pytest.fixture
async def workspace(runtime: Runtime) -> UUID:
    """A workspace with nobody in it."""
    return await create_bare_workspace(runtime)


@pytest.fixture
async def other_workspace(runtime: Runtime) -> UUID:
    """Another one."""
    return await create_bare_workspace(runtime)
