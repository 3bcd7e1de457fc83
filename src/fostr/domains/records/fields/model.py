"""A recordset with its fields, as every other part of the domain takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.types import COMPUTING, TYPES, FieldType, Kind

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.access.evaluator import FieldMask
    from fostr.kernel.db.sql import Fragment


KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""The form of a field's key. Keys stand inside SQL text, so nothing else may ever become one."""


@dataclass(frozen=True, slots=True)
class Computed:
    """How the value of a field is computed that no record keeps.

    Attributes:
        kind: as what its values are compared.
        sql: SQL on `records r`, typed as `kind` is compared, by the rights of whoever the recordset was loaded for. The
            names of its parameters begin with the field's key.
        shown: the same as jsonb, as the API shows it.
        type: as which type of field its values are read, where that is another than the field's own.
        problem: why nothing can be computed, for who administers the recordset.
    """

    kind: Kind
    sql: Fragment
    shown: Fragment
    type: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a recordset.

    Attributes:
        computed: how the value is computed, where no record keeps it.
        promoted_to: the typed column of `records` that holds a copy of every value, for filters and sorts.
        filling: the column that is to be it, while some records have no copy yet: written and not read.
        retyping: the type and options that a job is giving it. Until then it has the old ones, and nobody writes it.
    """

    id: UUID
    key: str
    name: str
    type: str
    position: int
    is_required: bool
    options: dict[str, Any]
    hidden_from: frozenset[str]
    read_only_for: frozenset[str]
    promoted_to: str | None
    filling: str | None = None
    computed: Computed | None = None
    retyping: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a key that must not stand inside SQL text."""
        if not KEY.fullmatch(self.key):
            message = f"not a field key: {self.key!r}"
            raise ValueError(message)

    @property
    def field_type(self) -> FieldType:
        """What the field can hold."""
        return TYPES[self.type]

    @property
    def kind(self) -> Kind:
        """As what its values are compared."""
        return self.field_type.kind if self.computed is None else self.computed.kind

    @property
    def slot(self) -> str | None:
        """The typed column that every write of a record fills."""
        return self.promoted_to or self.filling

    @property
    def is_searchable(self) -> bool:
        """Whether the field's words go into the search: only when nobody is kept from seeing them."""
        field_type = self.field_type
        is_worded = field_type.is_kept and field_type.is_searched and field_type.kind in {"text", "number", "list"}
        return is_worded and not self.hidden_from


@dataclass(frozen=True)
class Recordset:
    """A recordset, its fields in their order.

    Attributes:
        fields_version: counts the changes that touch how records are kept. Who writes records compares it under
            the recordset's lock with the one that they shaped the records by.
        synced_version: the one that all records are in step with.
        removed: keys of fields that were removed, and whose values are not gone from all records yet.
    """

    id: UUID
    slug: str
    name: str
    mode: str
    settings: dict[str, Any]
    owner_id: UUID | None
    version: int
    deleted: bool
    fields: tuple[Field, ...]
    fields_version: int = 1
    synced_version: int = 1
    removed: frozenset[str] = frozenset()

    @property
    def is_in_step(self) -> bool:
        """Whether all records are kept as the fields and settings say."""
        return self.synced_version == self.fields_version

    @cached_property
    def by_key(self) -> dict[str, Field]:
        """The fields by their keys."""
        return {field.key: field for field in self.fields}

    @cached_property
    def links(self) -> tuple[Field, ...]:
        """The fields that name records."""
        return tuple(field for field in self.fields if field.type == "link")

    @cached_property
    def is_computing(self) -> bool:
        """Whether some fields are computed by the rights of who reads them."""
        return any(field.type in COMPUTING for field in self.fields)

    @cached_property
    def shows_computed(self) -> bool:
        """Whether what records show is more than what they keep."""
        return any(field.computed is not None for field in self.fields)

    @cached_property
    def unwritten(self) -> frozenset[str]:
        """The keys of the fields whose values nobody sends."""
        return frozenset(field.key for field in self.fields if not field.field_type.is_written or field.retyping)

    @cached_property
    def searchable(self) -> tuple[str, ...]:
        """The keys of the fields whose words go into the search."""
        return tuple(field.key for field in self.fields if field.is_searchable)

    @cached_property
    def title_field(self) -> Field | None:
        """The field that names a record: the chosen one, or the first text."""
        chosen = self.by_key.get(self.settings.get("title_field", ""))
        return chosen or next((f for f in self.fields if f.type == "text" and not f.hidden_from), None)


def hides_derived(recordset: Recordset, mask: FieldMask) -> bool:
    """Say whether a record's title, place and words may still come from a field that the caller may not see.

    A field by which records are called, placed or found is hidden from nobody. Where one is hidden or removed after
    all, that becomes true of its records as a job reaches them.
    """
    return bool(mask.hidden - recordset.removed) and not recordset.is_in_step
