"""Operations on the types of fields."""

from typing import Annotated

from fastapi import Path

from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service as recordsets
from fostr.domains.records.recordsets.definition import (
    FieldOptionsInvalid,
    FieldTypeFixed,
    FieldUnknown,
    RetypingUnderWay,
    SettingsInvalid,
)
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.retyping import service
from fostr.domains.records.recordsets.retyping.planning import Wanted
from fostr.domains.records.recordsets.retyping.schemas import LostValue, TypeChange, TypeChangePreview
from fostr.domains.records.recordsets.schemas import FieldOptions
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}/fields/{field_key}/type-change", tags=["Recordsets"], module=RECORDS)

Administered = Annotated[Reached, recordset_in_path("administer")]
Key = Annotated[str, Path(max_length=63, description="The key of the field.")]


@router.post(
    "/preview",
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        FieldReadOnly,
        FieldUnknown,
        FieldTypeFixed,
        FieldOptionsInvalid,
        SettingsInvalid,
        RetypingUnderWay,
    ),
)
async def preview(target: Administered, field_key: Key, data: TypeChange) -> TypeChangePreview:
    """Say what the values of a field would become with another type.

    Looks at the values of all records, and changes nothing: how many stay, are converted, or would be lost, with some
    of the last. The type is changed by changing the recordset. Needs `can_admin` on the recordset.
    """
    options = None if data.options is None else data.options.model_dump(exclude_none=True)
    retyping, survey = await service.preview(target, Wanted(field_key, data.type, options))
    return TypeChangePreview(
        key=field_key,
        type=data.type,
        options=FieldOptions.model_validate(retyping.options),
        values=survey.values,
        unchanged=survey.unchanged,
        converted=survey.converted,
        lost=survey.lost,
        examples=[LostValue(record_id=id, value=value, reason=reason) for id, value, reason in survey.examples],
    )


@router.delete("", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden, FieldUnknown))
async def call_off(target: Administered, field_key: Key) -> None:
    """End a type change that a job has not finished.

    The field and its values stay as they are; nothing happens when none is under way. Needs `can_admin` on the
    recordset.
    """
    await recordsets.call_off_retyping(target, key=field_key)
