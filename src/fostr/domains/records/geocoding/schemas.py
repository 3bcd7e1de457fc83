"""Shapes of geocoding in the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fostr.domains.records.imports.schemas import JobProblem, JobStatusName
from fostr.domains.records.recordsets.schemas import FieldKey
from fostr.kernel.geocoding import Precision

GeocoderName = Literal["google", "nominatim", "offline"]


class AddressFields(BaseModel):
    """The fields that hold the parts of an address."""

    model_config = ConfigDict(extra="forbid")

    street: FieldKey | None = None
    city: FieldKey | None = None
    state: FieldKey | None = None
    postal_code: FieldKey | None = None
    country: FieldKey | None = None


class GeocodeCreate(BaseModel):
    """Which records are to get a place, and from what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recordset_id": "airports", "address_fields": {"city": "city"}}]},
    )

    recordset_id: str = Field(min_length=1, max_length=100, description="The recordset's id or slug.")
    address_fields: list[FieldKey] | AddressFields = Field(
        description="Fields that make up the address: by their parts, or in the order in which they are written.",
    )
    lat_field: FieldKey | None = Field(default=None, description="As the map's settings say, unless it is said.")
    lng_field: FieldKey | None = Field(default=None, description="As the map's settings say, unless it is said.")
    location_field: FieldKey | None = Field(default=None, description="As the map's settings say, unless it is said.")
    geocoders: list[GeocoderName] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="In the order in which they are asked; all that are configured unless it is said.",
    )
    overwrite: bool = Field(default=False, description="Also records that have a place.")
    review_below: float = Field(
        default=0.5, ge=0, le=1, description="Places of less confidence are marked for a person to look at."
    )
    column_filters: dict[str, Any] | None = Field(default=None, description="Only records that these select.")
    search: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _names_an_address_and_a_place(self) -> "GeocodeCreate":
        parts = self.address_fields
        if not (parts if isinstance(parts, list) else parts.model_dump(exclude_none=True)):
            raise ValueError("name at least one address field")
        if (self.lat_field is None) != (self.lng_field is None):
            raise ValueError("lat_field and lng_field belong together")
        if self.location_field is not None and self.lat_field is not None:
            raise ValueError("name a location_field, or lat_field and lng_field")
        return self


class GeocodeStarted(BaseModel):
    """A search for places that was begun."""

    job_id: UUID
    status: JobStatusName
    stream_url: str = Field(description="Server-sent events of its progress.")
    status_url: str


class GeocodeJob(BaseModel):
    """A search for places, and how far it is."""

    job_id: UUID
    status: JobStatusName
    progress: int = Field(ge=0, le=100, description="Percent.")
    step: str | None
    message: str | None
    recordset_id: UUID
    found: int | None = Field(description="Records that got a place.")
    unknown: int | None = Field(description="Records whose address no geocoder knew.")
    skipped: int | None = Field(description="Records without an address, or that somebody changed meanwhile.")
    needs_review: int | None = Field(description="Places that a person should look at.")
    error: JobProblem | None
    created_by: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RecordPlace(BaseModel):
    """Where the place of a record comes from."""

    record_id: UUID
    recordset_id: UUID
    title: str
    address: str = Field(description="As it stood in the record when a geocoder was asked.")
    geocoder: str | None = Field(description="Who answered; null where nobody knew the address.")
    lat: float | None
    lng: float | None
    precision: Precision | None = Field(description="What the place is the middle of.")
    confidence: float | None = Field(ge=0, le=1)
    found: str | None = Field(description="The address as the geocoder writes it.")
    needs_review: bool
    geocoded_at: datetime
    reviewed_by: UUID | None
    reviewed_at: datetime | None


class PlaceReview(BaseModel):
    """What a person says of a place: that it is right, or where the record lies instead."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"lat": 30.68, "lng": -94.9}]})

    lat: float | None = Field(default=None, ge=-90, le=90, description="With `lng`: where it lies instead.")
    lng: float | None = Field(default=None, ge=-180, le=180)

    @model_validator(mode="after")
    def _is_a_whole_place(self) -> "PlaceReview":
        if (self.lat is None) != (self.lng is None):
            raise ValueError("lat and lng belong together")
        return self
