"""What other domains may use of records."""

import io
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import UploadFile

from fostr.domains.records.imports import starting, uploads
from fostr.domains.records.imports.schemas import ImportCreate, ImportStarted, ReadOptions
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service as recordsets_service
from fostr.domains.records.recordsets.counts.repository import get_count
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound, reach_recordset
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.modules import is_enabled

__all__ = [
    "CREATE_RECORDSET",
    "ActionForbidden",
    "ImportStarted",
    "RecordsetCard",
    "RecordsetNotFound",
    "RecordsetReference",
    "get_recordset",
    "import_file",
    "list_recordsets",
]


CREATE_RECORDSET: Final = "can_create_recordset"
"""The permission to make recordsets."""
VIEW_RECORDSET: Final = "can_view_recordset"


@dataclass(frozen=True, slots=True)
class RecordsetReference:
    """A recordset on which the caller may do what was asked.

    Attributes:
        hidden_fields: keys of the fields whose values the caller may not know.
    """

    id: UUID
    slug: str
    name: str
    mode: str
    record_count: int
    hidden_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class RecordsetCard:
    """A recordset as a list for people shows it."""

    id: UUID
    slug: str
    name: str
    description: str
    record_count: int


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
        record_count=await get_count(context.unit, recordset.id),
        hidden_fields=reached.mask.hidden,
    )


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
