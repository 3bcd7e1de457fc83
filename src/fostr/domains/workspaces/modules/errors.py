"""How operations on modules are refused."""

from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable


class ModuleNotFound(NotFound):
    """The product has no such module."""

    code = "module_not_found"
    detail = "There is no such module."


class ModuleUnknown(Unprocessable):
    """A body names a module that the product does not have; `known` lists those that it has."""

    code = "module_unknown"
    detail = "There is no such module."


class ModuleSettingsExist(Conflict):
    """The workspace has settings for the module."""

    code = "module_settings_exist"
    detail = "The workspace has settings for this module already; change those."


class ModuleSettingsInvalid(Unprocessable):
    """The settings do not fit the module; `faults` says where."""

    code = "module_settings_invalid"
    detail = "These settings do not fit the module."
