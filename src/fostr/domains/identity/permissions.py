"""What this domain adds to the catalogue of permissions."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

VIEW_IMPERSONATIONS: Final = "can_view_impersonations"
END_IMPERSONATIONS: Final = "can_end_impersonations"

_ADMINISTRATORS: Final = frozenset(ROLES[:2])

register_permissions(
    [
        Permission(
            name=VIEW_IMPERSONATIONS,
            resource="impersonation",
            label="See who of the installation acted in the name of members",
            roles=_ADMINISTRATORS,
            writes=False,
        ),
        Permission(
            name=END_IMPERSONATIONS,
            resource="impersonation",
            label="End it when somebody of the installation acts in the name of a member",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
    ]
)
