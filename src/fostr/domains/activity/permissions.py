"""What the activity domain adds to the catalogue of permissions."""

from __future__ import annotations

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

VIEW_ACTIVITY: Final = "can_view_activity"
EXPORT_ACTIVITY: Final = "can_export_activity"

_EVERYBODY: Final = frozenset(ROLES)

register_permissions(
    [
        Permission(VIEW_ACTIVITY, "activity", "See what happened", _EVERYBODY, writes=False),
        Permission(EXPORT_ACTIVITY, "activity", "Export what happened", _EVERYBODY, writes=False),
    ]
)
