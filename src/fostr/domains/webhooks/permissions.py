"""What this domain adds to the catalogue of permissions."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

MANAGE_WEBHOOKS: Final = "can_manage_webhooks"

register_permissions(
    [
        # One for looking too: addresses of receivers often hold a secret.
        Permission(
            name=MANAGE_WEBHOOKS,
            resource="webhook",
            label="See, make, change, test and delete webhooks",
            roles=frozenset(ROLES[:2]),
            administers=True,
        ),
    ]
)
