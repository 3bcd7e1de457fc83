"""What happens when a field gets another type."""

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class FieldTypeFacts(BaseModel):
    """What an event tells of a field's type; after the change, with how many values changed, and how many were lost.

    The versions that the records got by it carry the event's cause.
    """

    key: str
    type: str
    options: dict[str, object]
    is_promoted: bool
    changed: int | None = None
    lost: int | None = None


register_events(
    [
        EventType(
            "recordset.field_retyped",
            entity="recordset",
            schema=FieldTypeFacts,
            summary="A field got another type, and its values were converted.",
            phrase="gave the field {fact[key]} of {thing} another type",
        )
    ]
)
