"""What happens to pipelines: who may, what is written, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.pipelines.pipelines import repository
from fostr.domains.pipelines.pipelines.rules import settle_stages
from fostr.domains.pipelines.pipelines.schemas import Pipeline, Stage
from fostr.domains.records import public as records
from fostr.kernel.events.outbox import record
from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.pipelines.pipelines.schemas import PipelineCreate, StageCreate
    from fostr.kernel.http.context import Context

STAGE_FIELD_NAME = "Stage"


class PipelineNotFound(NotFound):
    """The recordset has no pipeline, or the caller may not know its stages."""

    code = "pipeline_not_found"
    detail = "This recordset has no pipeline."


class PipelineExists(Conflict):
    """The recordset has a pipeline."""

    code = "pipeline_exists"
    detail = "This recordset has a pipeline already."


class StageFieldInvalid(Unprocessable):
    """The field cannot say at which stage a record is."""

    code = "stage_field_invalid"
    detail = "Stages are the choices of a field of type `select`; the recordset has no such field."


async def get_pipeline(context: Context, *, recordset: UUID | str) -> Pipeline:
    """Return the pipeline of a recordset that the caller sees.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        PipelineNotFound: it has none, or the field of its stages is gone or hidden from the caller.
    """
    target = await records.get_recordset(context, reference=recordset)
    row = await repository.find_pipeline(context.unit, recordset_id=target.id)
    if row is None or await records.find_select_field(context, target.id, key=row["stage_field"]) is None:
        raise PipelineNotFound
    stages = await repository.list_stages(context.unit, row["id"])
    return Pipeline(**dict(row), stages=[Stage(**dict(stage)) for stage in stages])


async def create_pipeline(context: Context, *, recordset: UUID | str, data: PipelineCreate) -> Pipeline:
    """Make the pipeline of a recordset that the caller administers.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they do not administer it.
        PipelineExists: it has one.
        StageFieldInvalid: the field that was named is none of type `select`.
        StagesInvalid: the stages contradict themselves.
    """
    target = await records.get_recordset(context, reference=recordset, action="administer")
    if await repository.find_pipeline(context.unit, recordset_id=target.id) is not None:
        raise PipelineExists
    choices: tuple[str, ...] = ()
    if data.stage_field is not None:
        found = await records.find_select_field(context, target.id, key=data.stage_field)
        if found is None:
            raise StageFieldInvalid(field=data.stage_field)
        choices = found.choices
    stages = settle_stages(data.stages, choices=choices)
    field = await records.ensure_select_field(
        context,
        target.id,
        key=data.stage_field,
        name=STAGE_FIELD_NAME,
        choices=[stage.value or stage.name for stage in stages],
        colors={stage.value or stage.name: stage.color for stage in stages if stage.color is not None},
    )
    values: dict[str, Any] = {
        "id": new_id(),
        "recordset_id": target.id,
        "name": data.name or target.name,
        "stage_field": field.key,
        "member": context.member_id,
        "now": context.now,
    }
    if not await repository.insert_pipeline(context.unit, values):
        raise PipelineExists
    await repository.insert_stages(context.unit, values["id"], _rows(stages))
    await record(
        context, type="pipeline.created", entity="pipeline", entity_id=values["id"], after=_facts(values, stages)
    )
    return await get_pipeline(context, recordset=target.id)


def _rows(stages: Sequence[StageCreate]) -> list[dict[str, Any]]:
    return [{"id": new_id(), "position": place, **stage.model_dump()} for place, stage in enumerate(stages)]


def _facts(values: dict[str, Any], stages: Sequence[StageCreate]) -> dict[str, Any]:
    return {
        "recordset_id": str(values["recordset_id"]),
        "name": values["name"],
        "stage_field": values["stage_field"],
        "stages": [stage.model_dump(include={"name", "value", "kind", "probability"}) for stage in stages],
    }
