"""Rows that change the record with the same natural key, or become a new one.

Natural keys are held while their records are looked for and written, so that of two requests with the same new key one
creates a record and the other changes it. What the caller cannot see is not there: it is never matched.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from fostr.domains.records.bulk import repository
from fostr.domains.records.bulk.batch import begin, lock_records, sign, tell, write_changes, write_new
from fostr.domains.records.bulk.checking import check_attributes, check_row, prepare_rows
from fostr.domains.records.bulk.creating import new_content
from fostr.domains.records.bulk.events import RECORDS_UPSERTED
from fostr.domains.records.bulk.outcomes import Outcome, check_all_good, show_all
from fostr.domains.records.bulk.schemas import CreateRow, RowError
from fostr.domains.records.bulk.updating import check_target, plan_rows
from fostr.domains.records.fields.shaping import check_value, promoted_value
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.recordsets.reach import check_action
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from fostr.domains.records.bulk.batch import Batch
    from fostr.domains.records.bulk.repository import Change
    from fostr.domains.records.bulk.schemas import BulkWritten, RowChanges, Upsert
    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.records.repository.writing import Content
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context

Key: TypeAlias = tuple[Any, ...]

BUCKETS: Final = 256
"""Locks into which the keys of a recordset fall. One for each key would be more than PostgreSQL has room for."""

MATCHED_KINDS: Final = frozenset({"text", "number", "time", "boolean"})


class MatchInvalid(Unprocessable):
    """Records cannot be recognised by a field."""

    code = "match_on_invalid"
    detail = "Records cannot be recognised by this field."


async def upsert_records(context: Context, *, data: Upsert) -> BulkWritten:
    """Change the records that rows match, create those that are not there, and say of each row what became of it.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may neither create nor edit records in it.
        MatchInvalid: records cannot be recognised by one of the fields.
        RowsRefused: all or nothing was asked for, and some rows are not good.
    """
    batch = await begin(context, data.recordset_id, None, signature=sign(context))
    if not batch.reached.decide("edit", is_own=True):
        check_action(batch.reached, "create")
    fields = find_match_fields(batch.reached, data.match_on)
    outcomes = [Outcome() for _ in data.records]
    await check_attributes(context, data.records, outcomes)
    keys = _read_keys(fields, data.records, outcomes)
    matches = await _match(batch, fields, keys, outcomes)
    changes = await _plan_changes(batch, data, matches, outcomes)
    contents = await _plan_new(batch.reached, data, sorted(keys.keys() - matches.keys()), outcomes)
    check_all_good(outcomes, mode=data.mode)
    if not data.dry_run:
        await _write(batch, changes, contents, outcomes)
    return show_all(outcomes, change_id=await tell(batch, RECORDS_UPSERTED), dry_run=data.dry_run)


def find_match_fields(reached: Reached, keys: list[str]) -> list[Field]:
    """Return the fields by whose values records are recognised.

    Raises:
        MatchInvalid: one is not there, or holds what is not compared as a whole.
    """
    fields: list[Field] = []
    for key in dict.fromkeys(keys):
        field = reached.recordset.by_key.get(key)
        if field is None or key in reached.mask.hidden:
            raise MatchInvalid(f"There is no field {key!r}.", field=key)
        if field.computed is not None or field.kind not in MATCHED_KINDS:
            raise MatchInvalid(f"Records cannot be recognised by a field of type {field.type}.", field=key)
        fields.append(field)
    return fields


def _read_keys(fields: list[Field], rows: list[RowChanges], outcomes: list[Outcome]) -> dict[int, Key]:
    """Return the natural key of each row that has one of its own, by its place."""
    keys: dict[int, Key] = {}
    for place, (row, outcome) in enumerate(zip(rows, outcomes, strict=True)):
        key = tuple(_read_value(field, row.field_values.get(field.key), outcome) for field in fields)
        if outcome.result is None:
            keys[place] = key
    counts = Counter(keys.values())
    names = ", ".join(field.key for field in fields)
    for place in [place for place, key in keys.items() if counts[key] > 1]:
        del keys[place]
        outcomes[place].refuse("conflict", RowError(field=names, reason="another row has the same key"))
    return keys


def _read_value(field: Field, value: Any, outcome: Outcome) -> Any:
    try:
        checked = check_value(field, value)
    except ValueRefused as refusal:
        outcome.refuse("invalid", RowError(field=field.key, reason=str(refusal)))
        return None
    if checked is None:
        outcome.refuse("invalid", RowError(field=field.key, reason="is needed to recognise the record"))
    # 1 and 1.0 are the same key to PostgreSQL.
    return int(checked) if isinstance(checked, float) and checked.is_integer() else checked


async def _match(
    batch: Batch, fields: list[Field], keys: dict[int, Key], outcomes: list[Outcome]
) -> dict[int, UUID | None]:
    """Return which record each row matches, by the row's place; None where there are several."""
    if not keys:
        return {}
    reached = batch.reached
    names = [field.key for field in fields]
    await repository.lock_keys(reached.unit, key_locks(reached, names, keys.values()))
    await reached.unit.plan_for_values()
    places = list(keys)
    found = await repository.list_matches(
        reached.unit,
        select_records(reached, RecordQuery()).condition,
        match_on=names,
        promoted=find_promoted(fields, [keys[place] for place in places]),
        keys=[orjson.dumps(keys[place]).decode() for place in places],
    )
    matched: dict[int, list[UUID]] = defaultdict(list)
    for position, record_id in found:
        matched[places[position]].append(record_id)
    for place, ids in matched.items():
        if len(ids) > 1:
            reason = f"{len(ids)} records have this key"
            outcomes[place].refuse("conflict", RowError(field=", ".join(names), reason=reason))
    return {place: ids[0] if len(ids) == 1 else None for place, ids in matched.items()}


def find_promoted(fields: list[Field], keys: list[Key]) -> tuple[str, list[Any]] | None:
    """Return the typed column that leads to the records with some keys by its index, and the values in it."""
    for position, field in enumerate(fields):
        if field.promoted_to is not None:
            return field.promoted_to, [promoted_value(field, key[position]) for key in keys]
    return None


def key_locks(reached: Reached, names: Sequence[str], keys: Iterable[Key]) -> list[int]:
    """Return the locks that are held while records are looked for by natural keys, for whoever writes by them."""
    place = f"{reached.context.workspace_id} {reached.recordset.id} {sorted(names)}"
    # In the order of the names: who names the same fields in another order holds the same keys.
    order = sorted(range(len(names)), key=names.__getitem__)
    buckets = {_digest(orjson.dumps([key[i] for i in order])) % BUCKETS for key in keys}
    return sorted(_digest(f"{place} {bucket}".encode()) for bucket in buckets)


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


async def _plan_changes(
    batch: Batch, data: Upsert, matches: dict[int, UUID | None], outcomes: list[Outcome]
) -> dict[int, Change]:
    single = {place: record_id for place, record_id in matches.items() if record_id is not None}
    found = await lock_records(batch, sorted(single.values())) if single else {}
    for place, record_id in single.items():
        check_target(found.get(record_id), outcomes[place], expected_version=None)
    key_fields = set(data.match_on)
    places = list(single)
    rows = [(_without(data.records[place], key_fields), found.get(single[place])) for place in places]
    changes = await plan_rows(batch.reached, rows, [outcomes[place] for place in places])
    return {places[position]: change for position, change in changes.items()}


def _without(row: RowChanges, keys: set[str]) -> RowChanges:
    # The record has these values already, also where the caller may not set them.
    return row.model_copy(update={"field_values": {k: v for k, v in row.field_values.items() if k not in keys}})


async def _plan_new(reached: Reached, data: Upsert, places: list[int], outcomes: list[Outcome]) -> dict[int, Content]:
    creates = bool(reached.decide("create"))
    checked: dict[int, dict[str, Any]] = {}
    for place in places:
        if not creates:
            outcomes[place].refuse("forbidden")
        elif outcomes[place].result is None:
            checked[place] = check_row(reached, data.records[place].field_values, outcomes[place])
    good = [place for place in checked if outcomes[place].result is None]
    prepared = await prepare_rows(reached, [(checked[place], outcomes[place]) for place in good])
    contents: dict[int, Content] = {}
    for place, values in zip(good, prepared, strict=True):
        if outcomes[place].result is None:
            outcomes[place].result = "created"
            contents[place] = new_content(reached, _new_row(data.records[place]), values)
    return contents


def _new_row(row: RowChanges) -> CreateRow:
    return CreateRow(status=row.status or "active", tags=row.tags or [], owner_id=row.owner_id)


async def _write(
    batch: Batch, changes: dict[int, Change], contents: dict[int, Content], outcomes: list[Outcome]
) -> None:
    versions = await write_changes(batch, list(changes.values()))
    for place, change in changes.items():
        outcomes[place].version = versions[change.record.id]
    new = await write_new(batch, list(contents.values()))
    for place, record_id in zip(contents, new, strict=True):
        outcomes[place].record_id, outcomes[place].version = record_id, 1
