"""What of this domain a workspace can switch off."""

from typing import Final

from pydantic import BaseModel, Field

from fostr.kernel.modules import Module, register_module


class RecordsSettings(BaseModel):
    """What a workspace can set about its records."""

    trash_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description="Days after which deleted records and recordsets are deleted for good. Empty: as many as the "
        "operator has set for all workspaces, which are 30 unless they say otherwise.",
    )


RECORDS: Final = Module(
    name="records",
    label="Records",
    description="Recordsets with their records, imports, exports, comments, history and maps.",
    settings=RecordsSettings,
)

register_module(RECORDS)
