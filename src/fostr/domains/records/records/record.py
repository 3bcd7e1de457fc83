"""A record as the rest of the domain takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

DELETED: Final = "deleted"
"""The status of a record that lies in the trash."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a recordset, with the values that some callers may not see still in it.

    Attributes:
        import_id: the import that brought it; None when a person or a program created it.
        version: counts its changes, from 1.
    """

    id: UUID
    recordset_id: UUID
    title: str
    status: str
    field_values: dict[str, Any]
    tags: list[str]
    geometry: dict[str, Any] | None
    geometry_type: str | None
    owner_id: UUID | None
    import_id: UUID | None
    created_by: UUID | None
    updated_by: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int
