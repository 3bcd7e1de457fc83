"""What this domain adds to the catalogue of permissions: every member reads and keeps their own notifications."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

VIEW_NOTIFICATIONS: Final = "can_view_notifications"
MANAGE_NOTIFICATIONS: Final = "can_manage_notifications"

register_permissions(
    [
        Permission(VIEW_NOTIFICATIONS, "notification", "Read one's own notifications", frozenset(ROLES), writes=False),
        Permission(
            MANAGE_NOTIFICATIONS,
            "notification",
            "Mark one's own notifications, and choose which come and how",
            frozenset(ROLES),
        ),
    ]
)
