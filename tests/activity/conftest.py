"""Fixtures of the tests of activity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support import settling

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime


@pytest.fixture
def follow(runtime: Runtime) -> Callable[[], Awaitable[None]]:
    """Return a function that brings the feed up to date; other consumers and jobs stay where they are."""
    return partial(settling.follow, runtime, "activity")


@pytest.fixture
def run_jobs(settle: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Return a function that runs the queue until it is empty, and every consumer has come to the end of the log."""
    return settle
