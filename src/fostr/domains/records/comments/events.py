"""What happens to comments."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class CommentFacts(BaseModel):
    """What an event tells of a comment."""

    record_id: UUID
    recordset_id: UUID
    text: str


register_events(
    [
        EventType(
            "comment.created",
            entity="comment",
            schema=CommentFacts,
            summary="Somebody commented on a record.",
            phrase="commented on {name}",
        ),
        EventType(
            "comment.updated",
            entity="comment",
            schema=CommentFacts,
            summary="A comment was changed.",
            phrase="changed a comment on {name}",
        ),
        EventType(
            "comment.deleted",
            entity="comment",
            schema=CommentFacts,
            summary="A comment was deleted.",
            phrase="deleted a comment on {name}",
        ),
    ]
)
