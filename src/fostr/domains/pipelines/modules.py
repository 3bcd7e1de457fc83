"""What of this domain a workspace can switch off."""

from typing import Final

from fostr.kernel.modules import Module, register_module

PIPELINES: Final = Module(
    name="pipelines",
    label="Pipelines",
    description="Records that move through stages towards being won or lost.",
)

register_module(PIPELINES)
