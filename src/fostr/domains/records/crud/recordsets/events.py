"""What happens to the numbers of records."""

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class CountsFacts(BaseModel):
    """What an event tells of a count."""

    recordsets: int
    corrected: int


register_events(
    [
        EventType(
            "recordsets.counted",
            entity="workspace",
            schema=CountsFacts,
            summary="The records of every recordset were counted anew.",
            phrase="counted the records of every recordset anew",
        )
    ]
)
