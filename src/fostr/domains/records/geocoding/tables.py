"""Where addresses lie: what geocoders answered, and what became of it in records."""

from typing import Final

from sqlalchemy import ARRAY, Boolean, Column, Double, LargeBinary, Text, Uuid, text

from fostr.kernel.db.tables import identifier, index, moment, workspace_table

geocode_answers: Final = workspace_table(
    "geocode_answers",
    Column("geocoder", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("lat", Double),
    Column("lng", Double),
    Column("precision", Text),
    Column("confidence", Double),
    Column("found", Text),
    moment("answered_at", default_now=True),
    key=("geocoder", "digest"),
)
"""What each geocoder answered about an address, by the digest of its spelling; without a place where it knows none."""

record_places: Final = workspace_table(
    "record_places",
    identifier("record_id"),
    identifier("recordset_id"),
    identifier("job_id"),
    Column("address", Text, nullable=False),
    Column("place_fields", ARRAY(Text), nullable=False),
    Column("geocoder", Text),
    Column("lat", Double),
    Column("lng", Double),
    Column("precision", Text),
    Column("confidence", Double),
    Column("found", Text),
    Column("needs_review", Boolean, nullable=False, server_default=text("false")),
    moment("geocoded_at", default_now=True),
    Column("reviewed_by", Uuid),
    moment("reviewed_at", nullable=True),
    index("ix_record_places_review", "workspace_id", "recordset_id", "record_id", where="needs_review"),
    key=("record_id",),
)
"""Where the place of a record comes from: the address as it was then, who answered, and how sure it is. Without a
geocoder, none of them knew the address. `place_fields` are the keys of a field of places, or of those of latitudes and
longitudes."""
