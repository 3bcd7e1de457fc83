"""Operations on the pipeline of a recordset."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from fostr.domains.pipelines.modules import PIPELINES
from fostr.domains.pipelines.permissions import CREATE_PIPELINE, VIEW_PIPELINE
from fostr.domains.pipelines.pipelines import service
from fostr.domains.pipelines.pipelines.rules import StagesInvalid
from fostr.domains.pipelines.pipelines.schemas import Pipeline, PipelineCreate
from fostr.domains.pipelines.pipelines.service import PipelineExists, PipelineNotFound, StageFieldInvalid
from fostr.domains.records.public import (
    SELECT_FIELD_REFUSALS,
    ActionForbidden,
    RecordsetNotFound,
    parse_recordset_reference,
)
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}/pipeline", tags=["Recordsets"], module=PIPELINES)


async def read_recordset(
    recordset: Annotated[str, Path(max_length=100, description="The recordset's id or slug.")],
) -> UUID | str:
    """Return the recordset that the path names."""
    return parse_recordset_reference(recordset)


Viewer = Annotated[Context, in_workspace(VIEW_PIPELINE)]
Creator = Annotated[Context, in_workspace(CREATE_PIPELINE)]
Recordset = Annotated[UUID | str, Depends(read_recordset)]


@router.get("", responses=raises(RecordsetNotFound, PipelineNotFound))
async def get(context: Viewer, recordset: Recordset) -> Pipeline:
    """Show the pipeline of a recordset.

    404 `pipeline_not_found` where there is none, or the field of its stages is gone, or hidden from the caller.
    """
    return await service.get_pipeline(context, recordset=recordset)


@router.post(
    "",
    status_code=201,
    responses=raises(
        RecordsetNotFound, ActionForbidden, PipelineExists, StageFieldInvalid, StagesInvalid, *SELECT_FIELD_REFUSALS
    ),
)
async def create(context: Creator, recordset: Recordset, data: PipelineCreate) -> Pipeline:
    """Make a pipeline of a recordset.

    At which stage a record is, a field of type `select` says: the one that is named, which gets the choices that it
    lacks, or a new one. A recordset has one pipeline. Needs `can_admin` on the recordset.
    """
    return await service.create_pipeline(context, recordset=recordset, data=data)
