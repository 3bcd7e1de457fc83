"""What other domains may use of records."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import UploadFile

from fostr.domains.records.expansion.seeing import see_changes
from fostr.domains.records.expansion.service import RecordChange, expand_event
from fostr.domains.records.exports.formats import ExportedRecord, Writer
from fostr.domains.records.exports.rows import Column, RowFormat, open_rows
from fostr.domains.records.imports import starting, uploads
from fostr.domains.records.imports.schemas import ImportCreate, ImportStarted, ReadOptions
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import list_visible, reach_record
from fostr.domains.records.recordsets import service as recordsets_service
from fostr.domains.records.recordsets.counts.repository import get_count
from fostr.domains.records.recordsets.reach import (
    ActionForbidden,
    Reached,
    RecordsetNotFound,
    parse_reference,
    reach_all,
    reach_recordset,
)
from fostr.domains.records.recordsets.selects import SELECT_FIELD_REFUSALS, SelectField, find_select, save_select
from fostr.domains.records.tools import service as tools
from fostr.domains.records.tools.schemas import ToolPlace, ToolPlaceSet
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.modules import is_enabled

__all__ = [
    "CREATE_RECORDSET",
    "SELECT_FIELD_REFUSALS",
    "ActionForbidden",
    "Column",
    "ExportedRecord",
    "ImportStarted",
    "KnownRecordset",
    "RecordChange",
    "RecordsetCard",
    "RecordsetNotFound",
    "RecordsetReference",
    "RowFormat",
    "SelectField",
    "ToolPlace",
    "ToolPlaceSet",
    "Writer",
    "ensure_select_field",
    "expand_event",
    "find_known_recordsets",
    "find_select_field",
    "get_recordset",
    "import_file",
    "list_recordsets",
    "may_see_records",
    "open_rows",
    "parse_recordset_reference",
    "place_in_tool",
    "see_changes",
]


CREATE_RECORDSET: Final = "can_create_recordset"
"""The permission to make recordsets."""
VIEW_RECORDSET: Final = "can_view_recordset"


@dataclass(frozen=True, slots=True)
class RecordsetReference:
    """A recordset on which the caller may do what was asked.

    Attributes:
        record_count: how many records it has; None where row rules keep some of them from the caller.
        hidden_fields: keys of the fields whose values the caller may not know.
    """

    id: UUID
    slug: str
    name: str
    mode: str
    record_count: int | None
    hidden_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class RecordsetCard:
    """A recordset as a list for people shows it.

    Attributes:
        record_count: how many records it has; None where row rules keep some of them from the caller.
    """

    id: UUID
    slug: str
    name: str
    description: str
    record_count: int | None


@dataclass(frozen=True, slots=True)
class KnownRecordset:
    """A recordset that somebody may know of.

    Attributes:
        fields: the keys of those of its fields that they may know of.
    """

    id: UUID
    name: str
    fields: frozenset[str]


async def find_known_recordsets(context: Context, recordset_ids: Collection[UUID]) -> dict[UUID, KnownRecordset]:
    """Return those of some recordsets that somebody may see, none in the trash; by one statement at most.

    For who tells of things that belong to recordsets. None where the workspace has switched records off.
    """
    if not is_enabled(RECORDS, context.access.switched_modules):
        return {}
    found = (await reach_all(context, recordset_ids)).values()
    return {
        reached.recordset.id: KnownRecordset(
            reached.recordset.id,
            reached.recordset.name,
            frozenset(reached.recordset.by_key.keys() - reached.mask.hidden),
        )
        for reached in found
        if reached.decide("view") and not reached.recordset.deleted
    }


async def list_recordsets(context: Context, *, part: Slice) -> Page[RecordsetCard] | None:
    """Return the recordsets that the caller may see, by name; nothing where they may see none at all.

    Args:
        context: who asks. Without the right to look at recordsets, or where the workspace has switched records off,
            there is no list.
        part: which part of it.
    """
    access = context.access
    if not access.has(VIEW_RECORDSET) or not is_enabled(RECORDS, access.switched_modules):
        return None
    listed = await recordsets_service.list_recordsets(context, part=part, search=None, type=None, is_active=None)
    cards = [RecordsetCard(one.id, one.slug, one.name, one.description, one.record_count) for one in listed.items]
    return part.page(cards, total=listed.total)


async def get_recordset(context: Context, *, reference: UUID | str, action: str = "view") -> RecordsetReference:
    """Return a recordset on which the caller may do `action`.

    Args:
        context: the request.
        reference: the recordset's id or slug.
        action: `view`, `view_records`, `create`, `edit`, `delete`, `comment`, `import`, `export` or `administer`.

    Raises:
        RecordsetNotFound: it is not there, or in the trash, or the caller may not see it.
        ScopeInsufficient: the credential's scope does not cover the action.
        ActionForbidden: the caller may see it, and not do this.
    """
    reached = await reach_recordset(context, reference, action)
    recordset = reached.recordset
    return RecordsetReference(
        id=recordset.id,
        slug=recordset.slug,
        name=recordset.name,
        mode=recordset.mode,
        record_count=None if reached.is_restricted() else await get_count(context.unit, recordset.id),
        hidden_fields=reached.mask.hidden,
    )


def parse_recordset_reference(text: str) -> UUID | str:
    """Return the id of a recordset where a part of an address is one, and otherwise the text as a slug."""
    return parse_reference(text)


async def find_select_field(context: Context, recordset_id: UUID, *, key: str) -> SelectField | None:
    """Return a field of type `select`, or nothing where there is no such field, or the caller may not know of it.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
    """
    return find_select(await reach_recordset(context, recordset_id, "view"), key)


async def ensure_select_field(
    context: Context,
    recordset_id: UUID,
    *,
    key: str | None,
    name: str,
    choices: Sequence[str],
    colors: Mapping[str, str],
) -> SelectField:
    """Return a field of type `select` that has all of some choices; those that it lacks are added to it.

    Args:
        context: the request; needs the right to administer the recordset.
        recordset_id: the recordset.
        key: of a field that `find_select_field` finds; None for a new one.
        name: of the new one.
        choices: what has to be among its choices, in their order.
        colors: of the choices that are added, as `#rrggbb`.

    Raises:
        RecordsetNotFound, ActionForbidden: the caller does not administer the recordset.
        FieldReadOnly, TooManyFields, ...: see `SELECT_FIELD_REFUSALS`.
    """
    reached: Reached = await reach_recordset(context, recordset_id, "administer")
    return await save_select(reached, key=key, name=name, choices=choices, colors=colors)


async def may_see_records(context: Context, record_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of some records the caller may see, by their role, the grants and the row rules.

    For everything that tells of records outside of this domain: events, activity, notifications, search. A record in
    the trash counts as it would outside of it. What of a record they may see is another question: see `hidden_fields`.

    Args:
        context: who asks; the request's, or that of a member for whom something is told.
        record_ids: of whichever recordsets; those that are not there are left out.
    """
    return await list_visible(context, record_ids)


async def import_file(context: Context, *, filename: str, content: bytes, name: str, description: str) -> ImportStarted:
    """Make a recordset of a file, as if somebody had uploaded it, and dispatch the job that imports its rows.

    Args:
        context: on whose behalf; they need the right to make recordsets and to import.
        filename: tells the format by its ending.
        content: the file.
        name: of the recordset.
        description: of the recordset.
    """
    upload = UploadFile(io.BytesIO(content), size=len(content), filename=filename)
    analysis = await uploads.receive(context, upload, starting.reading_options(ReadOptions()))
    data = ImportCreate(file_uri=analysis.file_uri, name=name, description=description)
    return await starting.start_new(context, data)


async def place_in_tool(context: Context, *, record_id: UUID, tool: str, place: ToolPlaceSet) -> ToolPlace:
    """Put a record into a tool of another domain, or change its place there; lists of records then find it by that.

    Args:
        context: on whose behalf; they need the right to change the record.
        record_id: the record.
        tool: its name: letters, digits, underscores and dashes.
        place: all of it; what is left out is cleared.

    Raises:
        RecordNotFound: the record is not there, or the caller may not see it.
        ActionForbidden: they may not change it.
        TooManyTools: it has places in too many.
    """
    return await tools.set_place(await reach_record(context, record_id, "edit"), tool, data=place)
