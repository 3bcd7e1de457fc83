"""What happens to the places of records in tools."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

PLACED: Final = "record.placed_in_tool"
DISMISSED: Final = "record.dismissed_from_tool"


class PlaceFacts(BaseModel):
    """What an event tells of a record's place in a tool; without a status it is dismissed."""

    recordset_id: UUID
    tool: str
    status: str | None
    recommendation: str | None
    group_id: str | None


register_events(
    [
        EventType(
            PLACED,
            entity="record",
            schema=PlaceFacts,
            summary="A record was put into a tool, or its place there was changed.",
            phrase="put {name} into the tool {fact[tool]}",
        ),
        EventType(
            DISMISSED,
            entity="record",
            schema=PlaceFacts,
            summary="A record was dismissed from a tool.",
            phrase="dismissed {name} from the tool {fact[tool]}",
        ),
    ]
)
