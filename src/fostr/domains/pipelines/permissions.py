"""What the pipelines domain adds to the catalogue of permissions."""

from __future__ import annotations

from typing import Final

from fostr.kernel.access.catalogue import BuiltInRole, Permission, register_permissions

_EVERYBODY: Final[frozenset[BuiltInRole]] = frozenset({"owner", "admin", "member", "viewer"})
_WRITERS: Final[frozenset[BuiltInRole]] = frozenset({"owner", "admin", "member"})

VIEW_PIPELINE: Final = "can_view_pipeline"
CREATE_PIPELINE: Final = "can_create_pipeline"

register_permissions(
    [
        Permission(VIEW_PIPELINE, "pipeline", "See pipelines", _EVERYBODY, writes=False),
        Permission(CREATE_PIPELINE, "pipeline", "Make pipelines of recordsets", _WRITERS),
    ]
)
