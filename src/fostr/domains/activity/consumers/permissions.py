"""What this resource adds to the catalogue of permissions."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

MANAGE_EVENTS: Final = "can_manage_events"

register_permissions(
    [
        Permission(
            name=MANAGE_EVENTS,
            resource="activity",
            label="See how far what follows from events is behind, and repeat what failed",
            roles=frozenset(ROLES[:2]),
            administers=True,
        ),
    ]
)
