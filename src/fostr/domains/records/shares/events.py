"""What happens to share links."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class ShareLinkFacts(BaseModel):
    """What an event tells of a share link: nothing by which it could be opened."""

    recordset_id: UUID
    view_id: UUID
    name: str
    has_password: bool
    allows_download: bool
    fields: list[str]
    expires_at: datetime | None


register_events(
    [
        EventType(f"share_link.{happened}", entity="share_link", schema=ShareLinkFacts, summary=summary)
        for happened, summary in (
            ("created", "A view was shared with people outside of the workspace."),
            ("updated", "A link that shares a view was changed."),
            ("revoked", "A link that shares a view was ended."),
        )
    ]
)
