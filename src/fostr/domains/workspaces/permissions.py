"""What this domain adds to the catalogue of permissions."""

from typing import Final

from fostr.kernel.access.catalogue import ROLES, Permission, register_permissions

VIEW_MEMBERS: Final = "can_view_members"
EDIT_WORKSPACE: Final = "can_edit_workspace"
MANAGE_API_KEYS: Final = "can_manage_api_keys"
EDIT_MEMBERS: Final = "can_edit_members"
ADD_MEMBERS: Final = "can_add_members"
REMOVE_MEMBERS: Final = "can_remove_members"
INVITE_MEMBERS: Final = "can_invite_members"
RESET_PASSWORDS: Final = "can_reset_member_passwords"
MANAGE_MODULES: Final = "can_manage_modules"
RUN_STEPS: Final = "can_run_workspace_steps"
VIEW_ROLES: Final = "can_view_roles"
MANAGE_PERMISSIONS: Final = "can_manage_permissions"
VIEW_TEAMS: Final = "can_view_teams"
CREATE_TEAM: Final = "can_create_team"
EDIT_TEAM: Final = "can_edit_team"
DELETE_TEAM: Final = "can_delete_team"

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
        Permission(
            name=EDIT_MEMBERS,
            resource="member",
            label="Change members and their roles",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=ADD_MEMBERS,
            resource="member",
            label="Make people with an account members",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=REMOVE_MEMBERS,
            resource="member",
            label="Remove members, and hand over what belongs to them",
            roles=_ADMINISTRATORS,
            administers=True,
            reserved=True,
        ),
        Permission(
            name=INVITE_MEMBERS,
            resource="member",
            label="Invite people, and withdraw invitations",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=RESET_PASSWORDS,
            resource="member",
            label="Send members a link to set a new password",
            roles=_ADMINISTRATORS,
            administers=True,
            reserved=True,
        ),
        Permission(
            name=MANAGE_MODULES,
            resource="module",
            label="Switch parts of the product on and off, and set them",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=RUN_STEPS,
            resource="workspace",
            label="Bring the workspace up to date after an upgrade",
            roles=_ADMINISTRATORS,
            administers=True,
        ),
        Permission(
            name=VIEW_ROLES,
            resource="role",
            label="See what each role allows",
            roles=_ADMINISTRATORS,
            writes=False,
        ),
        Permission(
            name=MANAGE_PERMISSIONS,
            resource="role",
            label="Change what each role allows, and add roles",
            roles=_ADMINISTRATORS,
            administers=True,
            reserved=True,
        ),
        Permission(name=VIEW_TEAMS, resource="team", label="See teams", roles=_EVERYBODY, writes=False),
        Permission(name=CREATE_TEAM, resource="team", label="Make teams", roles=_ADMINISTRATORS),
        Permission(name=EDIT_TEAM, resource="team", label="Change teams and who is in them", roles=_ADMINISTRATORS),
        Permission(name=DELETE_TEAM, resource="team", label="Delete teams", roles=_ADMINISTRATORS),
    ]
)
