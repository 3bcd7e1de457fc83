"""What a caller sees of a record, and of a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.records.repository.listing import Columns
from fostr.domains.records.records.repository.reading import find_values
from fostr.kernel.db.sql import Fragment
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.records.record import Record
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.access.access import Access
    from fostr.kernel.access.evaluator import FieldMask

MOST_FIELDS: Final = 500


class FieldsInvalid(Unprocessable):
    """The fields that were asked for are not there."""

    code = "fields_invalid"
    detail = "The fields that were asked for are not there."


def parse_fields_wanted(text: str | None, *, recordset: Recordset, mask: FieldMask) -> list[str] | None:
    """Return the keys that `fields=a,b` asks for; None when it asks for nothing in particular.

    Raises:
        FieldsInvalid: one of them does not exist, or may not be known to the caller.
    """
    if text is None or not text.strip():
        return None
    keys = list(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [key for key in keys if key not in recordset.by_key or key in mask.hidden]
    if unknown:
        raise FieldsInvalid(f"There is no field {unknown[0]!r}.", fields=unknown[:MOST_FIELDS])
    return keys


async def show_record(reached: Reached, record: Record, *, fields: Sequence[str] | None = None) -> dict[str, Any]:
    """Return a record as the API answers it: without what the caller may not see, or did not ask for."""
    shown = _show_kept(reached, record, fields=fields)
    computed = _computed_columns(reached, fields)
    if computed is not None:
        values = await find_values(reached.unit, record.id, columns=computed)
        shown["field_values"] = {**shown["field_values"], **values}
    return shown


def _show_kept(reached: Reached, record: Record, *, fields: Sequence[str] | None) -> dict[str, Any]:
    hides = hides_derived(reached.recordset, reached.mask)
    # A link keeps more ids than each caller may see.
    hidden = reached.mask.hidden.union(field.key for field in reached.recordset.links)
    shown = {k: v for k, v in record.field_values.items() if k not in hidden and (fields is None or k in fields)}
    return {
        "id": record.id,
        "recordset_id": record.recordset_id,
        "title": "" if hides else record.title,
        "status": record.status,
        "field_values": shown,
        "tags": record.tags,
        "geometry_type": None if hides else record.geometry_type,
        "owner_id": record.owner_id,
        "created_by": record.created_by,
        "updated_by": record.updated_by,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "version": record.version,
    }


def value_columns(reached: Reached, keys: Sequence[str] | None) -> Fragment:
    """Return SQL of the values of a record `r` as one JSON object, as whoever reached its recordset may see them.

    Args:
        reached: the recordset.
        keys: which fields; None for all. Those that the caller may not see are left out. What is computed costs
            nothing where it is not among them, and always has a value or null.
    """
    recordset, mask = reached.recordset, reached.mask
    unwanted: set[str] = set() if keys is None else recordset.by_key.keys() - set(keys)
    dropped = sorted(mask.hidden | unwanted)
    kept = Fragment("r.field_values - :dropped::text[]", {"dropped": dropped})
    if not dropped:
        kept = Fragment("r.field_values", {})
    computed = _computed_columns(reached, keys)
    if computed is None:
        return kept
    return Fragment(f"(({kept.text}) || {computed.text})", {**kept.params, **computed.params})


def _computed_columns(reached: Reached, keys: Sequence[str] | None) -> Fragment | None:
    """Return SQL of what is computed as one JSON object; None where nothing is, or nothing is wanted."""
    if not reached.recordset.shows_computed:
        return None
    wanted = None if keys is None else set(keys)
    pairs: list[str] = []
    params: dict[str, Any] = {}
    for field in reached.recordset.fields:
        if (
            field.computed is None
            or field.key in reached.mask.hidden
            or (wanted is not None and field.key not in wanted)
        ):
            continue
        pairs.append(f"'{field.key}', {field.computed.shown.text}")
        params |= field.computed.shown.params
    if not pairs:
        return None
    # A function takes at most a hundred arguments.
    objects = (f"jsonb_build_object({', '.join(pairs[at : at + 50])})" for at in range(0, len(pairs), 50))
    return Fragment(f"({' || '.join(objects)})", params)


def columns_of(reached: Reached, *, fields: Sequence[str] | None) -> Columns:
    """Return what a list of one recordset's records shows of each."""
    hides = hides_derived(reached.recordset, reached.mask)
    return Columns(
        values=value_columns(reached, fields),
        title="''::text" if hides else "r.title",
        geometry_type="null::text" if hides else "r.geometry_type",
    )


_MASK_OF_EACH: Final = """
    join recordsets rs on rs.workspace_id = r.workspace_id and rs.id = r.recordset_id
    cross join lateral (
        select coalesce(array_agg(hf.key), '{}') as keys,
               rs.fields_version <> rs.synced_version
               and coalesce(bool_or(hf.removed_at is null and hf.type <> 'link'), false) as hides
        from recordset_fields hf
        where hf.workspace_id = :workspace and hf.recordset_id = r.recordset_id and (
            hf.removed_at is not null or hf.type = 'link'
            or (hf.hidden_from && :masked_roles::text[] and rs.owner_id is distinct from :masked_member::uuid)
        )
    ) masked
"""


def columns_everywhere(access: Access) -> Columns:
    """Return what a list of several recordsets' records shows of each, by the masks of all of them.

    The conditions are those of `mask_fields` and `hides_derived`, for many recordsets at once. Links and what is
    computed are left out: which of it the caller may see is known of one recordset at a time.
    """
    roles = [] if access.base_role == "owner" else sorted({access.role, access.base_role})
    return Columns(
        values=Fragment("r.field_values - masked.keys", {"masked_roles": roles, "masked_member": access.member_id}),
        title="case when masked.hides then '' else r.title end",
        geometry_type="case when masked.hides then null else r.geometry_type end",
        joins=_MASK_OF_EACH,
    )


async def answer_record(
    reached: Reached, record: Record, *, fields: Sequence[str] | None = None, status: int = 200
) -> Response:
    """Return a record as an answer, its version as `ETag`."""
    body = orjson.dumps(await show_record(reached, record, fields=fields), default=str)
    headers = {"ETag": f'"{record.version}"'}
    return Response(body, status_code=status, media_type="application/json", headers=headers)
