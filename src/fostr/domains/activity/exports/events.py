"""What happens when the feed is exported."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

ENTITY: Final = "activity_export"
REQUESTED: Final = "activity_export.requested"
COMPLETED: Final = "activity_export.completed"
FAILED: Final = "activity_export.failed"


class ActivityExportFacts(BaseModel):
    """What an event tells of an export of the feed."""

    format: str
    rows: int | None
    requested_by: UUID
    error_code: str | None


register_events(
    [
        EventType(
            REQUESTED,
            ENTITY,
            schema=ActivityExportFacts,
            summary="Somebody asked for the feed as a file.",
            phrase="began an export of the activity feed",
        ),
        EventType(
            COMPLETED,
            ENTITY,
            schema=ActivityExportFacts,
            summary="The file with the feed was written.",
            phrase="finished an export of the activity feed",
        ),
        EventType(
            FAILED,
            ENTITY,
            schema=ActivityExportFacts,
            summary="The file with the feed could not be written.",
            phrase="could not finish an export of the activity feed",
        ),
    ]
)
