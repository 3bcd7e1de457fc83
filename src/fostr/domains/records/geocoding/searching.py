"""The search itself: some records at a time, geocoders asked while no transaction is open."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.bulk.batch import begin, lock_records, sign, tell, write_changes
from fostr.domains.records.bulk.events import RECORDS_UPDATED
from fostr.domains.records.bulk.outcomes import Outcome
from fostr.domains.records.bulk.schemas import UpdateRow
from fostr.domains.records.bulk.updating import plan_rows
from fostr.domains.records.geocoding import repository
from fostr.domains.records.geocoding.addresses import Plan, place_values, plan_fields
from fostr.domains.records.geocoding.choosing import choose_geocoders
from fostr.domains.records.geocoding.repository import Placed
from fostr.domains.records.geocoding.schemas import GeocodeCreate
from fostr.domains.records.geocoding.service import query_of
from fostr.domains.records.query.selection import select_records
from fostr.domains.records.records.record import DELETED
from fostr.domains.records.records.repository.listing import count_selected
from fostr.domains.records.recordsets.reach import parse_reference, reach_recordset
from fostr.kernel import clock
from fostr.kernel.db.sql import join_and
from fostr.kernel.events.outbox import Cause
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.geocoding import GeocoderFailed
from fostr.kernel.http.errors import Conflict, Unavailable
from fostr.kernel.jobs.behalf import act_for_member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.kernel.geocoding import Address, Geocoder, Place
    from fostr.kernel.jobs.context import JobContext

BATCH: Final = 100
REMEMBERED_FOR: Final = timedelta(days=30)
"""As long as Google's terms let a place be kept without being asked for anew."""
ATTEMPTS: Final = 3
_FIRST: Final = UUID(int=0)


class GeocodersFailed(Unavailable):
    """None of the geocoders can be asked any more."""

    code = "geocoders_failed"
    detail = "None of the geocoders could be asked."


class GeocodersRefused(Conflict):
    """None of the geocoders lets itself be asked; asking again soon is of no use."""

    code = "geocoders_refused"
    detail = "None of the geocoders lets itself be asked."


@dataclass(slots=True)
class Search:
    """A search under way.

    Attributes:
        job: the job.
        data: what was asked for.
        geocoders: those that can still be asked, in their order.
        waits_until: when each that wants pauses may be asked again, by the loop's clock.
        failures: why the others cannot be asked any more.
    """

    job: JobContext
    data: GeocodeCreate
    geocoders: list[Geocoder]
    waits_until: dict[str, float] = field(default_factory=dict[str, float])
    failures: list[GeocoderFailed] = field(default_factory=list["GeocoderFailed"])
    after: UUID = _FIRST
    passed: int = 0
    skipped: int = 0


async def run_search(job: JobContext) -> dict[str, Any]:
    """Give places to all records that were asked for.

    One that begins anew after a crash finds its answers remembered, and the records that have a place left out.

    Raises:
        GeocodersFailed, GeocodersRefused: none of the geocoders can be asked any more; what was found stays.
    """
    data = GeocodeCreate.model_validate(job.input)
    search = Search(job, data, choose_geocoders(job.runtime.settings, data.geocoders))
    names = [geocoder.name for geocoder in search.geocoders]
    total = await _count(search)
    while (some := await _next(search)) is not None:
        places = await _ask(search, some)
        await _write(search, some, places)
        progress = min(99, 100 * search.passed // max(total, 1))
        await job.report(progress=progress, step="places", message=f"{search.passed:,} records are looked at.")
    return await _finish(search, names)


async def _count(search: Search) -> int:
    async with search.job.unit() as unit:
        context = await act_for_member(search.job, unit)
        reached = await reach_recordset(context, parse_reference(search.data.recordset_id), "edit")
        return await count_selected(unit, select_records(reached, query_of(search.data)))


@dataclass(frozen=True, slots=True)
class _Some:
    """Records whose places are searched for, with their addresses."""

    plan: Plan
    addresses: Mapping[UUID, Address]
    known: Mapping[tuple[str, bytes], Place | None]


async def _next(search: Search) -> _Some | None:
    """Return the next records that need a place; None when there are no more."""
    async with search.job.unit() as unit:
        context = await act_for_member(search.job, unit)
        reached = await reach_recordset(context, parse_reference(search.data.recordset_id), "edit")
        plan = plan_fields(reached, search.data)
        selection = select_records(reached, query_of(search.data))
        condition = join_and([selection.condition, reached.restriction("edit")])
        rows = await repository.list_candidates(unit, condition, after=search.after, limit=BATCH)
        if not rows:
            return None
        search.after = rows[-1]["id"]
        search.passed += len(rows)
        addresses: dict[UUID, Address] = {}
        for row in rows:
            address = plan.address(row["field_values"])
            if address is None:
                search.skipped += 1
            elif search.data.overwrite or not plan.is_placed(row["field_values"]):
                addresses[row["id"]] = address
        digests = {digest_of(address) for address in addresses.values()}
        known = await repository.find_answers(unit, digests, since=clock.now() - REMEMBERED_FOR)
    return _Some(plan=plan, addresses=addresses, known=known)


def digest_of(address: Address) -> bytes:
    """Return what an address is remembered by."""
    return hashlib.sha256(address.spelling.encode()).digest()


async def _ask(search: Search, some: _Some) -> dict[bytes, tuple[str, Place] | None]:
    """Return where the addresses lie and who says so, by their digests."""
    places: dict[bytes, tuple[str, Place] | None] = {}
    answers: dict[tuple[str, bytes], Place | None] = {}
    for address in some.addresses.values():
        digest = digest_of(address)
        if digest not in places:
            search.job.check_cancelled()
            places[digest] = await _ask_each(search, address, digest, known={**some.known, **answers}, answers=answers)
    async with search.job.unit() as unit:
        await repository.keep_answers(unit, answers, now=clock.now())
    return places


async def _ask_each(
    search: Search,
    address: Address,
    digest: bytes,
    *,
    known: Mapping[tuple[str, bytes], Place | None],
    answers: dict[tuple[str, bytes], Place | None],
) -> tuple[str, Place] | None:
    """Ask one geocoder after the other, until one is sure enough; of those that are not, the surest counts."""
    best: tuple[str, Place] | None = None
    for geocoder in list(search.geocoders):
        key = (geocoder.name, digest)
        try:
            place = known[key] if key in known else await _ask_one(search, geocoder, address)
        except GeocoderFailed as failure:
            _drop(search, geocoder, failure)
            continue
        answers.setdefault(key, place)
        if place is not None and (best is None or place.confidence > best[1].confidence):
            best = (geocoder.name, place)
        if best is not None and best[1].confidence >= search.data.review_below:
            break
    return best


def _drop(search: Search, geocoder: Geocoder, failure: GeocoderFailed) -> None:
    search.geocoders.remove(geocoder)
    search.failures.append(failure)
    if search.geocoders:
        return
    reasons = " ".join(map(str, search.failures))
    raise GeocodersRefused(reasons) if all(each.is_lasting for each in search.failures) else GeocodersFailed(reasons)


async def _ask_one(search: Search, geocoder: Geocoder, address: Address) -> Place | None:
    for attempt in range(1, ATTEMPTS + 1):
        await _pause(search, geocoder)
        try:
            return await geocoder.find(address)
        except GeocoderFailed as failure:
            if failure.is_lasting or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(attempt * max(geocoder.pause, 0.2))
    return None


async def _pause(search: Search, geocoder: Geocoder) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, search.waits_until.get(geocoder.name, 0.0) - loop.time()))
    search.waits_until[geocoder.name] = loop.time() + geocoder.pause


async def _write(search: Search, some: _Some, places: Mapping[bytes, tuple[str, Place] | None]) -> None:
    """Put the records where their addresses lie; one whose address was changed meanwhile is left as it is."""
    if not some.addresses:
        return
    async with search.job.unit() as unit:
        context = await act_for_member(search.job, unit)
        signature = sign(context, kind="job")
        batch = await begin(context, parse_reference(search.data.recordset_id), "edit", signature=signature)
        found = await lock_records(batch, sorted(some.addresses))
        keys = some.plan.place_keys
        placed: list[Placed] = []
        rows: list[tuple[Any, Any]] = []
        for record_id, address in some.addresses.items():
            entry = found.get(record_id)
            if entry is None or not entry.edits or entry.record.status == DELETED:
                search.skipped += 1
                continue
            if some.plan.address(entry.record.field_values) != address:
                search.skipped += 1
                continue
            answer = places[digest_of(address)]
            placed.append(_placed(record_id, address, answer, review_below=search.data.review_below))
            if answer is not None:
                rows.append(
                    (
                        UpdateRow(id=record_id, field_values=place_values(keys, lat=answer[1].lat, lng=answer[1].lng)),
                        entry,
                    )
                )
        changes = await plan_rows(batch.reached, rows, [Outcome(record_id=row.id) for row, _ in rows])
        await write_changes(batch, list(changes.values()))
        recordset_id = batch.reached.recordset.id
        await repository.keep_places(
            unit, placed, recordset_id=recordset_id, job_id=search.job.id, place_fields=keys, now=context.now
        )
        await tell(batch, RECORDS_UPDATED)


def _placed(record_id: UUID, address: Address, answer: tuple[str, Place] | None, *, review_below: float) -> Placed:
    geocoder, place = answer if answer is not None else (None, None)
    return Placed(
        record_id=record_id,
        address=address.whole,
        geocoder=geocoder,
        place=place,
        needs_review=place is None or place.confidence < review_below,
    )


async def _finish(search: Search, names: list[str]) -> dict[str, Any]:
    job = search.job
    async with job.unit() as unit:
        counts = await repository.count_places(unit, job.id)
        facts = {"recordset_id": search.data.recordset_id, "geocoders": names, **counts}
        await record_event(
            await act_for_member(job, unit),
            type="geocoding.completed",
            entity="geocoding",
            entity_id=job.id,
            after=facts,
            cause=Cause(kind="job", id=job.id, count=counts["found"]),
        )
    return {**counts, "skipped": search.skipped}
