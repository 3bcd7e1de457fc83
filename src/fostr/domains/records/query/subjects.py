"""What a condition can be about: a field of the recordset, or what every record has, such as its owner."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.fields.shaping import check_text
from fostr.domains.records.fields.types import TYPES, Kind, ValueRefused
from fostr.domains.records.query.expressions import expression, kept, parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.kernel.access.evaluator import FieldMask

SubjectKind: TypeAlias = Kind | Literal["identifier"]

ATTRIBUTE_SIGN: Final = "@"
"""Begins the names of what every record has; no key of a field holds it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about, as SQL on `records r`.

    Attributes:
        name: as the caller calls it.
        kind: as what its values are compared.
        type: as the API calls what it holds.
        sql: the value, typed as it is compared, missing where there is none.
        present: whether there is one.
        whole: a text that `sql` may hold the beginning of only.
        elements: a list, as `text[]` and never missing; None where `sql` is a kept list as jsonb.
        params: of all of these.
    """

    name: str
    kind: SubjectKind
    type: str
    sql: str
    present: str
    whole: str = ""
    elements: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_cut(self) -> bool:
        """Whether `sql` holds only the beginning of a long text."""
        return bool(self.whole) and self.whole != self.sql

    @property
    def text(self) -> str:
        """The whole text."""
        return self.whole or self.sql

    @property
    def holds_dates(self) -> bool:
        """Whether its moments stand for dates, which belong to no time zone."""
        return self.type == "date"


def find_subject(name: str, *, recordset: Recordset, mask: FieldMask) -> Subject | None:
    """Return what a name stands for; None where there is no such thing, or the caller may not know of it."""
    if name.startswith(ATTRIBUTE_SIGN):
        is_title = name == _TITLE.name
        return None if is_title and hides_derived(recordset, mask) else ATTRIBUTES.get(name)
    entry = recordset.by_key.get(name)
    return None if entry is None or name in mask.hidden else subject_of(entry)


def subject_of(entry: Field) -> Subject:
    """Return a field as what a condition can be about."""
    sql, params = expression(entry), parameters_of(entry)
    if entry.computed is None:
        present = f"(r.field_values ? '{entry.key}')"
        whole = kept(entry) if entry.kind == "text" else ""
        return Subject(entry.key, entry.kind, entry.type, sql, present, whole=whole)
    elements = None
    present = f"({sql} is not null)"
    if entry.kind == "text":
        present = f"({sql} <> '') is true"
    elif entry.kind == "list":
        elements = f"array(select jsonb_array_elements_text({sql}))"
        present = f"(cardinality({elements}) > 0)"
    type = entry.computed.type or entry.type
    return Subject(entry.key, entry.kind, type, sql, present, elements=elements, params=params)


def parse_operand(subject: Subject, value: Any) -> Any:
    """Return one operand in the form in which it is compared; moments are `moments.parse_period`'s.

    Raises:
        ValueRefused: it does not fit.
    """
    if value is None or isinstance(value, dict | list):
        raise ValueRefused("cannot be compared with")
    match subject.kind:
        case "number":
            return float(_checked(subject, value, "number"))
        case "boolean":
            return _checked(subject, value, "boolean")
        case "identifier":
            return _identifier(value)
        case _:
            text = str(value)
            check_text(text)
            return text


def _checked(subject: Subject, value: Any, kind: Kind) -> Any:
    # Limits and choices bind what is kept, not what it is compared with.
    own = TYPES.get(subject.type)
    field_type = own if own is not None and own.kind == kind and own.is_written else TYPES[kind]
    checked = (field_type.operand or field_type.check)(value, {})
    if checked is None:
        raise ValueRefused("cannot be compared with")
    return checked


def _identifier(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise ValueRefused("is not an id") from None


def _attribute(name: str, kind: SubjectKind, *, present: str | None = None, elements: str | None = None) -> Subject:
    sql = f"r.{name}"
    return Subject(f"{ATTRIBUTE_SIGN}{name}", kind, kind, sql, present or f"({sql} is not null)", elements=elements)


_TITLE: Final = _attribute("title", "text", present="(r.title <> '')")
ATTRIBUTES: Final[dict[str, Subject]] = {
    subject.name: subject
    for subject in (
        _TITLE,
        _attribute("id", "identifier"),
        _attribute("status", "text", present="(r.status <> '')"),
        _attribute("tags", "list", present="(cardinality(r.tags) > 0)", elements="r.tags"),
        _attribute("owner_id", "identifier"),
        _attribute("created_by", "identifier"),
        _attribute("updated_by", "identifier"),
        _attribute("import_id", "identifier"),
        _attribute("created_at", "time"),
        _attribute("updated_at", "time"),
    )
}
"""What every record has beside its fields."""
