"""How the computed fields of a recordset become SQL, by the rights of whoever the recordset was loaded for.

What the caller may not see counts for nothing in what is computed: the values of a field that is hidden from them, the
records of a recordset that they may not see, those that row rules keep from them, and the trash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from fostr.domains.records.computed import gathering
from fostr.domains.records.computed.parameters import Parameters
from fostr.domains.records.computed.sources import Source, linked, linking
from fostr.domains.records.computed.values import (
    LONGEST_TEXT,
    Broken,
    Value,
    compute,
    nothing,
    number,
    shown,
    typed,
    value_of,
)
from fostr.domains.records.fields.model import Computed
from fostr.domains.records.fields.types import COMPUTING
from fostr.domains.records.formulas.compiling import compile_formula, name_by_keys
from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.domains.records.formulas.typing import Compilation, Typed
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.fields.types import Kind
    from fostr.domains.records.recordsets.reach import Reached

Find: TypeAlias = "Callable[[UUID], Awaitable[Reached | None]]"

FURTHEST: Final = 3
"""How many links a value may come through."""
LARGEST: Final = 30_000
"""Characters of SQL of a single field."""


class Builder:
    """Computes fields, each once, in whatever recordset they are.

    Attributes:
        is_lasting: whether what was computed holds for as long as nobody's rights change; what depends on row rules
            or on the time of day does not.
    """

    def __init__(self, find: Find) -> None:
        """Begin.

        Args:
            find: returns a recordset as the caller stands to it, its own computed fields aside.
        """
        self.is_lasting = True
        self._find = find
        self._done: dict[tuple[UUID, str], tuple[Computed, int]] = {}
        self._open: set[tuple[UUID, str]] = set()

    async def compute_all(self, reached: Reached) -> Recordset:
        """Return a recordset with all of its computed fields; one that cannot be computed has no values."""
        fields = [await self._computed(reached, field) for field in reached.recordset.fields]
        return replace(reached.recordset, fields=tuple(fields))

    async def _computed(self, reached: Reached, field: Field) -> Field:
        if field.type not in COMPUTING:
            return field
        try:
            computed, _ = await self.compute_field(reached, field)
        except Broken as fault:
            computed = _broken(field, str(fault))
        return replace(field, computed=computed)

    async def compute_field(self, reached: Reached, field: Field) -> tuple[Computed, int]:
        """Return how a field is computed, and how many links its value comes through.

        Raises:
            Broken: it cannot be.
        """
        place = (reached.recordset.id, field.key)
        if place in self._open:
            raise Broken(f"Field {field.key!r} is made of itself.")
        if place not in self._done:
            self._open.add(place)
            try:
                self._done[place] = await self._build(reached, field)
            finally:
                self._open.remove(place)
        return self._done[place]

    async def _build(self, reached: Reached, field: Field) -> tuple[Computed, int]:
        parameters = Parameters(field.key)
        match field.type:
            case "link" | "backlink":
                value, distance = await self._ids(reached, field, parameters)
            case "lookup" | "rollup":
                value, distance = await self._gather(reached, field, parameters)
            case "count":
                source, _ = await self._follow(reached, field.options["link"], parameters)
                value = nothing("number", "number") if source is None else gathering.count(parameters, source)
                distance = 1
            case _:
                value, distance = await self._formula(reached, field, parameters)
        if distance > FURTHEST:
            raise Broken(f"The value comes through more than {FURTHEST} links.")
        if len(value.sql.text) > LARGEST:
            raise Broken("The value is made of too much.")
        return compute(value), distance

    async def _ids(self, reached: Reached, field: Field, parameters: Parameters) -> tuple[Value, int]:
        source, _ = await self._follow(reached, field.key, parameters)
        return _no_ids() if source is None else gathering.ids_of(parameters, source), 0

    async def _gather(self, reached: Reached, field: Field, parameters: Parameters) -> tuple[Value, int]:
        source, target = await self._follow(reached, field.options["link"], parameters)
        value, distance = await self._value(target, field.options["field"])
        if field.type == "rollup":
            function = field.options["function"]
            gathering.check_function(function, value)
            if source is None or field.options["field"] in target.mask.hidden:
                return gathering.result_of(function, value), distance + 1
            return gathering.roll_up(parameters, source, value, function), distance + 1
        if source is None or field.options["field"] in target.mask.hidden:
            is_single = _is_single(reached.recordset.by_key[field.options["link"]])
            return nothing(value.kind if is_single else "list", value.type), distance + 1
        return gathering.look_up(parameters, source, value), distance + 1

    async def _value(self, reached: Reached, key: str) -> tuple[Value, int]:
        """Return a field's value, as if nobody hid it, and how many links it comes through."""
        field = reached.recordset.by_key.get(key)
        if field is None:
            raise Broken(f"There is no field {key!r}.")
        if field.type not in COMPUTING:
            return value_of(field), 0
        computed, distance = await self.compute_field(reached, field)
        return value_of(replace(field, computed=computed)), distance

    async def _follow(self, reached: Reached, key: str, parameters: Parameters) -> tuple[Source | None, Reached]:
        """Return the records that a link leads to, and their recordset; none where the caller sees none of them."""
        link = reached.recordset.by_key.get(key)
        if link is None or link.type not in {"link", "backlink"}:
            raise Broken(f"There is no link {key!r}.")
        target = await self._find(UUID(link.options["recordset"]))
        if target is None or target.recordset.deleted:
            raise Broken(f"The recordset to which {key!r} links is gone, or in the trash.")
        is_seen = key not in reached.mask.hidden and target.decide("view") and target.decide("view_records")
        other = None
        if link.type == "backlink":
            other = target.recordset.by_key.get(link.options["field"])
            if other is None or other.type != "link" or other.options["recordset"] != str(reached.recordset.id):
                raise Broken(f"The link of which {key!r} shows the other direction is gone.")
            is_seen = is_seen and other.key not in target.mask.hidden
        if not is_seen:
            return None, target
        restriction = self._restriction(target)
        if other is not None:
            return linking(parameters, field_id=other.id, restriction=restriction), target
        source = linked(
            parameters,
            key,
            target_id=target.recordset.id,
            restriction=restriction,
            is_single=_is_single(link),
        )
        return source, target

    def _restriction(self, target: Reached) -> Fragment | None:
        """Return the condition under which row rules leave linked records within the caller's reach."""
        if not target.is_restricted("view_records"):
            return None
        self.is_lasting = False
        return target.restriction("view_records")

    async def _formula(self, reached: Reached, field: Field, parameters: Parameters) -> tuple[Value, int]:
        text: str = field.options["expression"]
        context = reached.context
        try:
            keys = name_by_keys(text, lambda name: name).keys
            values: dict[str, Value] = {}
            distance = 0
            for key in keys:
                values[key], further = await self._value(reached, key)
                distance = max(distance, further)
            compilation = Compilation(
                find=lambda name, position: _reference(values[name], parameters, position),
                bind=parameters.bind,
                now=lambda: parameters.bind(context.now),
            )
            result = compile_formula(text, compilation)
        except FormulaInvalid as fault:
            raise Broken(str(fault), position=fault.position) from None
        self.is_lasting = self.is_lasting and not compilation.uses_now
        value = _result(result, parameters)
        if reached.mask.hidden & set(keys):
            return nothing(value.kind, value.type), distance
        return value, distance


def _reference(value: Value, parameters: Parameters, position: int) -> Typed:
    pieces = {"number": value.exact, "list": value.shown}
    return typed(value, parameters.take(pieces.get(value.kind, value.sql)), position)


def _result(result: Typed, parameters: Parameters) -> Value:
    match result.type:
        case "number":
            return _finished("number", "number", number(result.sql), parameters)
        case "boolean":
            return _finished("boolean", "boolean", f"({result.sql})", parameters)
        case "date" | "moment":
            type = "date" if result.type == "date" else "datetime"
            return _finished("time", type, f"({result.sql} at time zone 'UTC')", parameters)
        case "text" | "blank":
            return _finished("text", "text", f"left({result.sql}, {LONGEST_TEXT})", parameters)


def _finished(kind: Kind, type: str, sql: str, parameters: Parameters) -> Value:
    return Value(
        kind,
        type,
        Fragment(sql, parameters.values),
        Fragment(shown(kind, sql, is_date=type == "date"), parameters.values),
        Fragment(f"({sql})::text::numeric", parameters.values),
    )


def _is_single(link: Field) -> bool:
    return link.type == "link" and link.options.get("multiple") is False


def _no_ids() -> Value:
    return replace(nothing("list", "link"), shown=Fragment("'[]'::jsonb", {}))


def _broken(field: Field, problem: str) -> Computed:
    value = _no_ids() if field.type in {"link", "backlink"} else nothing("text", "text")
    return replace(compute(value), problem=problem)
