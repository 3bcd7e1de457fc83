"""What hangs on a record and follows it into another: comments, files, relationships, its place in tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.merging import repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.db.unit import Unit


async def move_all(unit: Unit, sources: Sequence[UUID], *, target: UUID, cause_id: UUID) -> None:
    """Hang whatever hangs on some records on another, and note it under a cause.

    What the other has of its own already stays where it is.
    """
    for kind in repository.KINDS:
        await repository.move(unit, kind, sources=sources, target=target, cause_id=cause_id)


async def move_back(unit: Unit, cause_id: UUID, *, new_cause: UUID) -> None:
    """Hang what was moved under a cause where it was, unless it was moved on; and note that under a new cause."""
    if not await repository.has_moves(unit, cause_id):
        return
    for kind in repository.KINDS:
        await repository.move_back(unit, kind, cause_id=cause_id, new_cause=new_cause)
