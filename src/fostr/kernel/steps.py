"""Workspace steps: what must happen once in every workspace after an upgrade, numbered, registered by the domains.

Migrations change tables, once a database. What needs a workspace's own data or rules (a backfill, a new default) is a
step. A workspace keeps the number of the last one that was done in it, so that nothing to do is one comparison.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from fostr.kernel.db.unit import Unit

ROLE: Final = "workspace_steps"
"""The name of the files in which domains register their steps."""


class StepRun(Protocol):
    """One run of a step in one workspace."""

    @property
    def workspace(self) -> UUID:
        """Where it runs."""
        ...

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """Open a unit of work that commits only while this run holds the workspace's lease, and makes it longer."""
        ...


StepHandler: TypeAlias = Callable[[StepRun], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens once in every workspace.

    Attributes:
        number: says when: lower ones come first. Unique over all domains, and never used again.
        name: `<domain>.<what happens>`, for the log.
        label: what a person reads while it runs.
        run: does it. It may be broken off and called again, so what it finds done it leaves as it is; what takes long
            is done in several units of work.
        is_required: whether the workspace counts as out of order until it is done.
    """

    number: int
    name: str
    label: str
    run: StepHandler
    is_required: bool = True


_steps: dict[int, Step] = {}


def register_step(step: Step) -> Callable[[], None]:
    """Add a step; return a function that takes it away again, which tests need.

    Raises:
        ValueError: the number is below 1, or taken.
    """
    if step.number < 1:
        message = f"step {step.name} needs a number from 1"
        raise ValueError(message)
    if _steps.setdefault(step.number, step) != step:
        message = f"step {step.number} is registered twice"
        raise ValueError(message)
    return lambda: _forget(step.number)


def _forget(number: int) -> None:
    del _steps[number]


def newest_step() -> int:
    """Return the number of the newest step, at which new workspaces begin."""
    import_modules(ROLE)
    return max(_steps, default=0)


def list_steps(*, after: int) -> list[Step]:
    """Return the steps that are to be done in a workspace whose last one was `after`, in their order."""
    import_modules(ROLE)
    return [_steps[number] for number in sorted(_steps) if number > after]
