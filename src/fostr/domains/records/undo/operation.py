"""Something that somebody did to records, as its event tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

SINGLE: Final = frozenset({"record.created", "record.updated", "record.deleted", "record.restored"})
"""Events of one record."""
MANY: Final = frozenset(
    {
        "record.imported",
        "records.created",
        "records.updated",
        "records.upserted",
        "records.deleted",
        "records.merged",
        "records.reassigned",
        "records.undone",
        "recordset.field_retyped",
    }
)
"""Events of many; each record is named by the cause."""
UNDOABLE: Final = SINGLE | MANY

BROUGHT_ALONG: Final = frozenset({"records.deleted_by_link", "records.unlinked"})
"""Events of what a deletion did to the records that link to what it deleted, in the same transaction."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that somebody did to records.

    Attributes:
        id: the event; how the API names it.
        operation_id: by what it is one thing: the cause of all versions that were written together, or the event of a
            single write.
        recordset_id: of the event; what was written together may lie in several.
        record_id: the record, when it was a single one.
        version: the version of it that was made.
        count: how many records it touched.
        brought_along: the causes of what it did to other records by their links.
    """

    id: UUID
    type: str
    operation_id: UUID
    recordset_id: UUID
    record_id: UUID | None
    version: int | None
    count: int
    member_id: UUID | None
    full_name: str | None
    cause: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    made_at: datetime
    brought_along: tuple[UUID, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether it is about one record, and its event holds the record's version."""
        return self.record_id is not None

    @property
    def is_import(self) -> bool:
        """Whether the records that it created carry its id."""
        return self.cause.get("kind") == "import"


def read_operation(row: asyncpg.Record) -> Operation:
    """Return what an event tells of."""
    before: dict[str, Any] | None = row["before"]
    after: dict[str, Any] | None = row["after"]
    cause: dict[str, Any] = row["cause"] or {}
    facts = after or before or {}
    single = row["entity"] == "record"
    # What a deletion made of the record is its next version.
    version: int | None = after.get("version") if after else facts.get("version", 0) + 1
    return Operation(
        id=row["id"],
        type=row["type"],
        operation_id=row["id"] if single else UUID(cause["id"]),
        recordset_id=UUID(facts["recordset_id"]) if single else row["entity_id"],
        record_id=row["entity_id"] if single else None,
        version=version,
        count=1 if single else int(cause.get("count") or 0),
        member_id=UUID(row["member_id"]) if row["member_id"] else None,
        full_name=row["full_name"],
        cause=cause,
        before=before,
        after=after,
        made_at=row["created_at"],
    )
