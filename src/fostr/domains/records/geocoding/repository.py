"""Statements on places of records, and on what geocoders answered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.geocoding import Place

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_PLACE: Final = """
    p.record_id, p.recordset_id, p.address, p.geocoder, p.lat, p.lng, p.precision, p.confidence, p.found,
    p.needs_review, p.geocoded_at, p.reviewed_by, p.reviewed_at
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the place of a record comes from; without a place, nobody knew the address."""

    record_id: UUID
    address: str
    geocoder: str | None
    place: Place | None
    needs_review: bool


async def list_candidates(unit: Unit, condition: Fragment, *, after: UUID, limit: int) -> list[asyncpg.Record]:
    """Return the next records `r` that meet a condition, by their ids."""
    return await unit.rows(
        f"""
        select r.id, r.field_values from records r
        where {condition.text} and r.id > :after order by r.id limit :limit
        """,
        after=after,
        limit=limit,
        **condition.params,
    )


async def find_answers(
    unit: Unit, digests: Collection[bytes], *, since: datetime
) -> dict[tuple[str, bytes], Place | None]:
    """Return what geocoders answered lately, by their names and the digests of addresses."""
    rows = await unit.rows(
        """
        select a.geocoder, a.digest, a.lat, a.lng, a.precision, a.confidence, a.found from geocode_answers a
        where a.workspace_id = :workspace and a.digest = any(:digests::bytea[]) and a.answered_at >= :since
        """,
        digests=list(digests),
        since=since,
    )
    return {(row["geocoder"], row["digest"]): _place(row) for row in rows}


def _place(row: asyncpg.Record) -> Place | None:
    if row["lat"] is None:
        return None
    return Place(**{name: row[name] for name in ("lat", "lng", "precision", "confidence", "found")})


async def keep_answers(unit: Unit, answers: Mapping[tuple[str, bytes], Place | None], *, now: datetime) -> None:
    """Remember what geocoders answered."""
    if not answers:
        return
    places = [asdict(place) if place else {} for place in answers.values()]
    await unit.run(
        """
        insert into geocode_answers
            (workspace_id, geocoder, digest, lat, lng, precision, confidence, found, answered_at)
        select :workspace, n.geocoder, n.digest, n.lat, n.lng, n.precision, n.confidence, n.found, :now
        from unnest(:geocoders::text[], :digests::bytea[], :lats::double precision[], :lngs::double precision[],
                    :precisions::text[], :confidences::double precision[], :found::text[])
             as n (geocoder, digest, lat, lng, precision, confidence, found)
        on conflict (workspace_id, geocoder, digest) do update set
            lat = excluded.lat, lng = excluded.lng, precision = excluded.precision,
            confidence = excluded.confidence, found = excluded.found, answered_at = excluded.answered_at
        """,
        now=now,
        geocoders=[geocoder for geocoder, _ in answers],
        digests=[digest for _, digest in answers],
        lats=[place.get("lat") for place in places],
        lngs=[place.get("lng") for place in places],
        precisions=[place.get("precision") for place in places],
        confidences=[place.get("confidence") for place in places],
        found=[place.get("found") for place in places],
    )


async def delete_old_answers(unit: Unit, *, before: datetime) -> int:
    """Forget what geocoders answered long ago."""
    return await unit.run(
        "delete from geocode_answers a where a.workspace_id = :workspace and a.answered_at < :before", before=before
    )


async def keep_places(
    unit: Unit,
    placed: Sequence[Placed],
    *,
    recordset_id: UUID,
    job_id: UUID,
    place_fields: Sequence[str],
    now: datetime,
) -> None:
    """Note where the places of records come from."""
    if not placed:
        return
    places = [asdict(entry.place) if entry.place else {} for entry in placed]
    await unit.run(
        """
        insert into record_places
            (workspace_id, record_id, recordset_id, job_id, place_fields, address, geocoder, lat, lng, precision,
             confidence, found, needs_review, geocoded_at)
        select :workspace, n.record_id, :recordset_id, :job_id, :place_fields, n.address, n.geocoder, n.lat, n.lng,
               n.precision, n.confidence, n.found, n.needs_review, :now
        from unnest(:ids::uuid[], :addresses::text[], :geocoders::text[], :lats::double precision[],
                    :lngs::double precision[], :precisions::text[], :confidences::double precision[], :found::text[],
                    :reviews::boolean[])
             as n (record_id, address, geocoder, lat, lng, precision, confidence, found, needs_review)
        on conflict (workspace_id, record_id) do update set
            job_id = excluded.job_id, place_fields = excluded.place_fields, address = excluded.address,
            geocoder = excluded.geocoder, lat = excluded.lat, lng = excluded.lng, precision = excluded.precision,
            confidence = excluded.confidence, found = excluded.found, needs_review = excluded.needs_review,
            geocoded_at = excluded.geocoded_at, reviewed_by = null, reviewed_at = null
        """,
        now=now,
        recordset_id=recordset_id,
        job_id=job_id,
        place_fields=list(place_fields),
        ids=[entry.record_id for entry in placed],
        addresses=[entry.address for entry in placed],
        geocoders=[entry.geocoder for entry in placed],
        lats=[place.get("lat") for place in places],
        lngs=[place.get("lng") for place in places],
        precisions=[place.get("precision") for place in places],
        confidences=[place.get("confidence") for place in places],
        found=[place.get("found") for place in places],
        reviews=[entry.needs_review for entry in placed],
    )


async def count_places(unit: Unit, job_id: UUID) -> dict[str, int]:
    """Return how many records a job has found, how many addresses nobody knew, and how many places are in doubt."""
    row = await unit.row(
        """
        select count(p.geocoder) as found, count(*) - count(p.geocoder) as unknown,
               count(*) filter (where p.needs_review) as needs_review
        from record_places p where p.workspace_id = :workspace and p.job_id = :job_id
        """,
        job_id=job_id,
    )
    return {} if row is None else dict(row.items())


async def list_recordsets(unit: Unit, job_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the recordsets that searches are in, by their jobs."""
    rows = await unit.rows(
        """
        select j.id, (j.input ->> 'recordset_id')::uuid as recordset_id from jobs j
        where j.workspace_id = :workspace and j.id = any(:ids::uuid[])
        """,
        ids=list(job_ids),
    )
    return {row["id"]: row["recordset_id"] for row in rows}


def _listed(condition: Fragment, *, only_review: bool) -> str:
    return f"""
        from record_places p join records r on r.workspace_id = :workspace and r.id = p.record_id
        where p.workspace_id = :workspace and p.recordset_id = :recordset_id and {condition.text}
          {"and p.needs_review" if only_review else ""}
    """


async def list_places(
    unit: Unit, condition: Fragment, *, recordset_id: UUID, only_review: bool, limit: int, offset: int
) -> list[asyncpg.Record]:
    """Return a part of the places of a recordset's records `r` that meet a condition."""
    return await unit.rows(
        f"""
        select {_PLACE}, r.title {_listed(condition, only_review=only_review)}
        order by p.record_id limit :limit offset :offset
        """,
        recordset_id=recordset_id,
        limit=limit,
        offset=offset,
        **condition.params,
    )


async def count_listed(unit: Unit, condition: Fragment, *, recordset_id: UUID, only_review: bool) -> int:
    """Return how many there are of them."""
    text = f"select count(*) {_listed(condition, only_review=only_review)}"
    return await unit.value(text, recordset_id=recordset_id, **condition.params)


async def find_place(unit: Unit, record_id: UUID) -> asyncpg.Record | None:
    """Return where the place of a record comes from, and lock it."""
    return await unit.row(
        f"""
        select {_PLACE}, p.place_fields from record_places p
        where p.workspace_id = :workspace and p.record_id = :record_id for update
        """,
        record_id=record_id,
    )


async def mark_reviewed(unit: Unit, record_id: UUID, changes: Mapping[str, Any]) -> None:
    """Note that a person has looked at a place, and where they put it."""
    await unit.run(
        """
        update record_places p set needs_review = false, lat = :lat, lng = :lng, reviewed_by = :member_id,
            reviewed_at = :now
        where p.workspace_id = :workspace and p.record_id = :record_id
        """,
        record_id=record_id,
        **changes,
    )
