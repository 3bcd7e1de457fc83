"""SQL of what a share link shows of a record `r`: its values, fit for everybody, and the words in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.fields.model import Field

_PERSON: Final = "coalesce(nullif(m.display_name, ''), m.full_name)"


def kept_values(entry: Field) -> Fragment:
    """Return the values of a field that records keep."""
    return Fragment(f"r.field_values->'{entry.key}'", {})


def computed_values(entry: Field) -> Fragment:
    """Return the values of a field that no record keeps."""
    assert entry.computed is not None  # noqa: S101 - these types are
    return entry.computed.shown


def moment_values(entry: Field) -> Fragment:
    """Return when records were made or changed."""
    return Fragment(f"to_jsonb(r.{entry.type})", {})


def member_values(entry: Field) -> Fragment:
    """Return the names of those who made or changed records."""
    named = f"select {_PERSON} from members m where m.workspace_id = :workspace and m.id = r.{entry.type}"
    return Fragment(f"to_jsonb(({named}))", {})


def members_values(entry: Field) -> Fragment:
    """Return the names of the members whom a field holds."""
    kept = f"r.field_values->'{entry.key}'"
    return Fragment(
        f"""(
            select jsonb_agg({_PERSON} order by named.place)
            from jsonb_array_elements_text(case when jsonb_typeof({kept}) = 'array' then {kept} else '[]' end)
                with ordinality named (id, place)
            join members m on m.workspace_id = :workspace and m.id::text = named.id
        )""",
        {},
    )


def titles_values(entry: Field) -> Fragment:
    """Return the titles of linked records, of those that the link's maker may see.

    While a job takes the words of a field that was hidden just now out of titles, the records have none.
    """
    ids = computed_values(entry)
    return Fragment(
        f"""(
            select jsonb_agg(t.title order by linked.place)
            from jsonb_array_elements_text(case when jsonb_typeof({ids.text}) = 'array' then {ids.text} else '[]' end)
                with ordinality linked (id, place)
            join records t on t.workspace_id = :workspace and t.id = linked.id::uuid
            join recordsets s on s.workspace_id = :workspace and s.id = t.recordset_id
                and s.fields_version = s.synced_version
        )""",
        dict(ids.params),
    )


def join_values(values: Mapping[str, Fragment]) -> Fragment:
    """Return values by keys as one JSON object, without those that are missing."""
    if not values:
        return Fragment("'{}'::jsonb", {})
    pairs = ", ".join(f"('{key}', {value.text})" for key, value in values.items())
    params: dict[str, Any] = {}
    for value in values.values():
        params |= value.params
    text = f"""(
        select coalesce(jsonb_object_agg(shown.key, shown.value), '{{}}') from (values {pairs}) shown (key, value)
        where shown.value is not null
    )"""
    return Fragment(text, params)


def search_shown(fields: Sequence[Field], words: Sequence[str]) -> Fragment:
    """Return the condition that each word begins a word of what is shown of a record `r`.

    The words by which members find a record hold those of fields that the link does not show, so they are of no use:
    whoever searches could find out what stands there.
    """
    texts = [f"r.field_values->>'{entry.key}'" for entry in fields if entry.is_searchable]
    if not texts or not words:
        return Fragment("false", {})
    params = {f"shown_{place}": _pattern(word) for place, word in enumerate(words)}
    text = f"concat_ws(' ', {', '.join(texts)})"
    return Fragment(f"({' and '.join(f'{text} ~* :{name}' for name in params)})", params)


def _pattern(word: str) -> str:
    escaped = "".join(letter if letter.isalnum() else f"\\{letter}" for letter in word)
    return rf"(?<![[:alnum:]]){escaped}"
