"""Refusals about notifications and their preferences."""

from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable


class NotificationNotFound(NotFound):
    """The caller's inbox has no such notification."""

    code = "notification_not_found"
    detail = "Your inbox has no such notification."


class NotificationTypeUnknown(Unprocessable):
    """Nobody can be told of that."""

    code = "notification_type_unknown"
    detail = "There is no such type of notification; `GET /notifications/defaults` lists them."


class PreferenceNotFound(NotFound):
    """The caller has no such preference."""

    code = "notification_preference_not_found"
    detail = "You have no such notification preference."


class PreferenceExists(Conflict):
    """The caller has chosen for that type already."""

    code = "notification_preference_exists"
    detail = "You have a preference for this type of notification already; change that one."


class PreferenceRepeated(Unprocessable):
    """A list names a type twice, so that it is not clear which entry counts."""

    code = "notification_preference_repeated"
    detail = "A type of notification is named more than once."
