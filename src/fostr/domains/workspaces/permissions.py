"""What this domain adds to the catalogue of permissions."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

VIEW_MEMBERS: Final = "can_view_members"
EDIT_WORKSPACE: Final = "can_edit_workspace"
MANAGE_API_KEYS: Final = "can_manage_api_keys"

_EVERYBODY: Final = frozenset(ROLES)
_ADMINISTRATORS: Final = frozenset(ROLES[:2])

register_permissions(
    [
        Permission(
            name=VIEW_MEMBERS,
            resource="member",
            label="See who is in the workspace",
            roles=_EVERYBODY,
            writes=False,
        ),
        Permission(
            name=EDIT_WORKSPACE,
            resource="workspace",
            label="Change the workspace's name and logo",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=MANAGE_API_KEYS,
            resource="api_key",
            label="See, make, change and revoke API keys",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
    ]
)
