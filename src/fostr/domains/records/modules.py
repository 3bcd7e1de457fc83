"""What of this domain a workspace can switch off."""

from typing import Final

from fostr.kernel.modules import Module, register_module

RECORDS: Final = Module(
    name="records",
    label="Records",
    description="Recordsets with their records, imports, exports, comments, history and maps.",
)

register_module(RECORDS)
