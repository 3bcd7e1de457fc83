"""How operations on roles and permissions are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unprocessable


class PermissionUnknown(NotFound):
    """The catalogue has no such permission."""

    code = "permission_not_found"
    detail = "There is no such permission."


class PermissionsUnknown(Unprocessable):
    """A body names permissions that the catalogue does not have; `unknown` lists them."""

    code = "permission_unknown"
    detail = "Some of these are no permissions."


class PermissionReserved(Unprocessable):
    """Only roles of administrators can hold a permission; `reserved` lists those that were asked for."""

    code = "permission_reserved"
    detail = "Only a role that builds on admin can hold this."


class ObjectUnknown(Unprocessable):
    """Nothing of this kind has rights of its own, or the permission is not about it."""

    code = "object_without_rights"
    detail = "This permission is not decided by rights on such a thing."


class RoleNotFound(NotFound):
    """The workspace has no such role."""

    code = "role_not_found"
    detail = "There is no such role in this workspace."


class OwnerFixed(Conflict):
    """Owners hold every permission, and that cannot be changed."""

    code = "owner_role_fixed"
    detail = "Owners hold every permission; that cannot be changed."


class RoleBuiltIn(Conflict):
    """A role that every workspace has can be neither renamed nor deleted."""

    code = "role_built_in"
    detail = "Every workspace has this role; it can be neither renamed nor deleted."


class RoleNameTaken(Conflict):
    """Another role has that name."""

    code = "role_name_taken"
    detail = "Another role of the workspace has this name."


class RoleInUse(Conflict):
    """Members hold the role; `members` counts them."""

    code = "role_in_use"
    detail = "Members hold this role; say with move_to which role they get."


class RoleMovesNowhere(Unprocessable):
    """The members of a role would get the role that is being deleted."""

    code = "role_moves_nowhere"
    detail = "Name another role in move_to than the one that is deleted."


class TooManyRoles(Conflict):
    """The workspace has as many roles of its own as it can."""

    code = "too_many_roles"
    detail = "The workspace has 100 roles of its own, which is the most."


class RoleTooHigh(Forbidden):
    """The role stands higher than the caller's own."""

    code = "role_too_high"
    detail = "This role stands higher than your own."


class PermissionNotHeld(Forbidden):
    """Nobody hands on what they do not hold; `not_held` lists it."""

    code = "permission_not_held"
    detail = "You cannot hand on what you do not hold yourself."
