"""What maps ask for, checked: which records, and what is shown of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.domains.records.fields.geometry import DEPTHS
from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records.showing import parse_fields_wanted
from fostr.domains.records.recordsets.reach import ActionForbidden
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from fostr.domains.records.query.selection import ViewQuery
    from fostr.domains.records.recordsets.reach import Reached


class GeometryTypeUnknown(Unprocessable):
    """There is no such kind of geometry."""

    code = "geometry_type_unknown"
    detail = f"A kind of geometry is one of {', '.join(DEPTHS)}."


@dataclass(frozen=True, slots=True)
class MapQuery:
    """Which records a map asks for, as it came; the place apart."""

    geometry_types: str | None
    column_filters: str | None
    numeric_filters: str | None
    date_filters: str | None
    filters: str | None
    time_zone: str | None
    search: str | None
    view: ViewQuery | None = None


def select_placed(reached: Reached, query: MapQuery) -> Fragment:
    """Return the condition on the records `r` that a map asks for and that lie somewhere.

    Raises:
        ActionForbidden: where the records lie may still come from what the caller may not see.
        GeometryTypeUnknown: there is no such kind of geometry.
        FilterInvalid: a filter does not fit the recordset.
        TimeZoneUnknown: there is no such zone.
    """
    if hides_derived(reached.recordset, reached.mask):
        raise ActionForbidden(reason="the records are being brought in step with what is hidden from you")
    asked = RecordQuery(
        search=query.search,
        column_filters=query.column_filters,
        numeric_filters=query.numeric_filters,
        date_filters=query.date_filters,
        filters=query.filters,
        time_zone=query.time_zone,
        view=query.view,
    )
    conditions = [select_records(reached, asked).condition, Fragment("r.bbox is not null", {})]
    if kinds := _parse_kinds(query.geometry_types):
        conditions.append(Fragment("r.geometry_type = any(:kinds::text[])", {"kinds": kinds}))
    return join_and(conditions)


def _parse_kinds(text: str | None) -> list[str]:
    kinds = [part.strip() for part in (text or "").split(",") if part.strip()]
    unknown = next((kind for kind in kinds if kind not in DEPTHS), None)
    if unknown is not None:
        raise GeometryTypeUnknown(geometry_type=unknown)
    return kinds


def parse_shown(reached: Reached, fields: str | None) -> list[str] | None:
    """Return the keys of the fields whose values go along; None for no values.

    Raises:
        FieldsInvalid: one of them does not exist, or may not be known to the caller.
    """
    return parse_fields_wanted(fields, recordset=reached.recordset, mask=reached.mask)
