"""What happens to the places of records."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class GeocodingFacts(BaseModel):
    """What an event tells of a search for places."""

    recordset_id: UUID
    geocoders: list[str]
    found: int | None
    unknown: int | None
    needs_review: int | None


class ReviewFacts(BaseModel):
    """What an event tells of a place that a person has looked at."""

    recordset_id: UUID
    lat: float | None
    lng: float | None
    is_accepted: bool


register_events(
    [
        EventType(
            "geocoding.requested",
            entity="geocoding",
            schema=GeocodingFacts,
            summary="Somebody asked for the places of many records to be found.",
            phrase="began to look up the places of records",
        ),
        EventType(
            "geocoding.completed",
            entity="geocoding",
            schema=GeocodingFacts,
            summary="The places of many records were looked for.",
            phrase="finished looking up the places of records",
        ),
        EventType(
            "geocoding.failed",
            entity="geocoding",
            schema=GeocodingFacts,
            summary="The search for the places of many records broke off.",
            phrase="could not finish looking up the places of records",
        ),
        EventType(
            "record.place_reviewed",
            entity="record",
            schema=ReviewFacts,
            summary="Somebody accepted or refused the place that was found for a record.",
            phrase="reviewed the place that was found for {name}",
        ),
    ]
)
