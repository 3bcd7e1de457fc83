"""Link fields: the form of their values, and the options of links and of what is computed through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast
from uuid import UUID

from fostr.domains.records.fields.options import OptionRefused
from fostr.domains.records.fields.values import ValueRefused

if TYPE_CHECKING:
    from fostr.domains.records.fields.values import Options

RollupFunction: TypeAlias = Literal[
    "sum", "avg", "min", "max", "count", "count_distinct", "any", "all", "join", "earliest", "latest"
]
MOST_LINKS: Final = 1_000
"""Records that one value may name."""
LINK_OPTIONS: Final = frozenset({"recordset", "multiple", "on_delete", "inverse"})


def check_links(value: Any, options: Options) -> list[str]:
    """Return the ids of records; whether they are there is asked for all records at once, before these are written."""
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    ids = list(dict.fromkeys(_check_id(item) for item in items))
    if options.get("multiple") is False and len(ids) > 1:
        raise ValueRefused("names more than one record")
    if len(ids) > MOST_LINKS:
        raise ValueRefused(f"names more than {MOST_LINKS} records")
    return ids


def _check_id(value: Any) -> str:
    try:
        return str(UUID(value)) if isinstance(value, str) else str(value if isinstance(value, UUID) else UUID(""))
    except ValueError:
        raise ValueRefused("is not the id of a record") from None


def write_links(value: Any) -> str:
    """Return ids as the text of a spreadsheet's cell."""
    return ", ".join(cast("list[str]", value))


def check_computed(value: Any, options: Options) -> Any:
    """Refuse any value: nobody writes what is computed."""
    del value, options
    raise ValueRefused("is computed, and nobody writes it")


def settle_link(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a link with what holds unless it is said; without a recordset, it leads to its own."""
    return {"multiple": True, "on_delete": "clear", **options}


def settle_backlink(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the other direction of a link."""
    return _require(options, "recordset", "field")


def settle_lookup(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a lookup."""
    return _require(options, "link", "field")


def settle_rollup(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a rollup."""
    return _require(options, "link", "field", "function")


def settle_count(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a count."""
    return _require(options, "link")


def settle_formula(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a formula."""
    return _require(options, "expression")


def _require(options: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        if name not in options:
            raise OptionRefused(name, f"The option `{name}` is needed.")
    return options
