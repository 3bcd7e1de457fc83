"""Types of events as readers ask for them: by name, or by a group such as `record.*`."""

from fostr.kernel.events.catalogue import group_of, list_event_types
from fostr.kernel.http.errors import Unprocessable


class EventTypeUnknown(Unprocessable):
    """A filter names types of events that there are not."""

    code = "event_type_unknown"
    detail = "There are no such types of events; GET /api/v1/events/types lists them."


def read_types(text: str | None, *, entity: str | None = None) -> frozenset[str] | None:
    """Return the names of the types that are asked for; None for all.

    Args:
        text: names and groups, separated by commas; nothing, or an empty text, for all.
        entity: only types about this kind of thing.

    Raises:
        EventTypeUnknown: there is no such type, or nothing is told about such things.
    """
    wanted = {name for part in (text or "").split(",") if (name := part.strip())}
    if not wanted and not entity:
        return None
    known = list_event_types()
    unknown = wanted - {one.name for one in known} - {group_of(one.name) for one in known}
    if unknown:
        raise EventTypeUnknown(types=sorted(unknown))
    about = [one.name for one in known if not entity or one.entity == entity]
    if not about:
        raise EventTypeUnknown(entity=entity)
    return frozenset(name for name in about if not wanted or name in wanted or group_of(name) in wanted)
