"""Operations on the places of records in tools."""

from typing import Annotated

from fastapi import Path, Query

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.recordsets.reach import ActionForbidden
from fostr.domains.records.tools import service
from fostr.domains.records.tools.schemas import ToolName, ToolPlace, ToolPlaceSet
from fostr.domains.records.tools.service import ToolPlaceNotFound, TooManyTools
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/{record_id}", tags=["Records"], module=RECORDS)

Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]


@router.get("/tools", responses=raises(RecordNotFound, ActionForbidden))
async def list_tools(target: Viewed) -> list[ToolPlace]:
    """List the tools that a record has a place in.

    Those that it was dismissed from are among them, without a status.
    """
    return await service.list_places(target)


@router.put(
    "/tools/{tool}", responses=raises(RecordNotFound, ActionForbidden, TooManyTools, StaleUpdate, IfMatchInvalid)
)
async def set_tool(
    target: Edited,
    tool: Annotated[ToolName, Path(description="The tool's name.")],
    data: ToolPlaceSet,
    expected_version: ExpectedVersion,
) -> ToolPlace:
    """Put a record into a tool, or change its place there.

    `GET /records?tool=` lists the records that have a status in a tool. Also puts a dismissed record back. Needs
    `can_edit` on the recordset, or `can_edit_own` for one's own records.
    """
    return await service.set_place(target, tool, data=data, expected_version=expected_version)


@router.post("/dismiss", responses=raises(RecordNotFound, ActionForbidden, ToolPlaceNotFound))
async def dismiss(
    target: Edited, tool: Annotated[ToolName, Query(description="The tool that it is to leave.")]
) -> ToolPlace:
    """Dismiss a record from a tool.

    Its status there is cleared, so that it is no longer listed in the tool; the record itself stays as it is, and
    what the tool knew of it is kept. Needs the same rights as changing the record.
    """
    return await service.dismiss(target, tool)
