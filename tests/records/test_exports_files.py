"""Exports as Excel workbooks and Parquet files, read back by programs of other makes."""

from __future__ import annotations

import importlib
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from fostr.domains.records.exports.formats import ExportedRecord
from fostr.domains.records.exports.parquet import GROUP_ROWS, ParquetWriter
from fostr.domains.records.exports.spreadsheets import LONGEST_CELL, SpreadsheetWriter
from fostr.domains.records.fields.model import Field
from tests.records.test_exports import download, export
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]

# Its types are half told.
pq: Any = importlib.import_module("pyarrow.parquet")

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Beds", "type": "number"},
    {"name": "Share", "type": "percent"},
    {"name": "Open", "type": "boolean"},
    {"name": "Built", "type": "date"},
    {"name": "Seen", "type": "datetime", "options": {"time_zone": "Europe/Paris"}},
    {"name": "Uses", "type": "multi_select"},
    {"name": "Secret", "type": "text", "hidden_from": ["member"]},
]
ROWS: list[dict[str, Any]] = [
    {
        "name": "=1+1",
        "beds": 12.5,
        "share": 0.25,
        "open": True,
        "built": "2024-02-29",
        "seen": "2024-07-01T10:00:00Z",
        "uses": ["a", "b"],
        "secret": "s",
    },
    {"name": "Zoë <&> \x0b", "built": "1850-01-01", "beds": -3},
]


@pytest.fixture
async def inns(client: Client, cast: Cast) -> dict[str, Any]:
    """Two inns with values of many types."""
    made = await create_recordset(client.as_(cast.owner), name="Inns", fields=FIELDS)
    await grant(client.as_(cast.owner), made, cast.member, "can_view")
    for row in ROWS:
        await create_record(client.as_(cast.owner), made, row)
    return made


def read_sheets(content: bytes) -> dict[str, list[list[Any]]]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}


async def test_a_workbook_holds_typed_cells_under_the_fields_names(
    client: Client, cast: Cast, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.owner, run_jobs, inns, format="xlsx")
    assert job["filename"] == "inns.xlsx"
    sheets = read_sheets(await download(client, job))
    assert sheets == {
        "Records": [
            ["Name", "Beds", "Share", "Open", "Built", "Seen", "Uses", "Secret"],
            ["=1+1", 12.5, 0.25, True, date(2024, 2, 29), datetime(2024, 7, 1, 12), "a; b", "s"],  # noqa: DTZ001
            ["Zoë <&> \x0b", -3.0, "", "", "1850-01-01", "", "", ""],
        ]
    }


async def test_a_workbook_leaves_hidden_fields_out_and_takes_those_that_are_asked_for(
    client: Client, cast: Cast, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(
        client,
        cast.member,
        run_jobs,
        inns,
        format="xlsx",
        fields=["beds", "name"],
        filters={"not": {"field": "beds", "op": "gt", "value": 0}},
    )
    assert read_sheets(await download(client, job)) == {"Records": [["Beds", "Name"], [-3.0, "Zoë <&> \x0b"]]}
    body = {"recordset_id": inns["id"], "format": "xlsx", "fields": ["secret"]}
    assert refusal(await client.as_(cast.member).post("/api/v1/export", json=body)) == (422, "filter_invalid")
    body = {"recordset_id": inns["id"], "format": "xlsx", "view_id": str(uuid4())}
    assert refusal(await client.as_(cast.member).post("/api/v1/export", json=body)) == (404, "view_not_found")


async def test_parquet_has_the_types_of_the_fields(
    client: Client, cast: Cast, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.member, run_jobs, inns, format="parquet", include_id=True)
    table = pq.read_table(io.BytesIO(await download(client, job)))
    assert [(entry.name, str(entry.type)) for entry in table.schema][1:] == [
        ("name", "string"),
        ("beds", "double"),
        ("share", "double"),
        ("open", "bool"),
        ("built", "date32[day]"),
        ("seen", "timestamp[us, tz=UTC]"),
        ("uses", "list<element: string>"),
    ]
    first, second = table.to_pylist()
    assert (first["beds"], first["built"], first["uses"]) == (12.5, date(2024, 2, 29), ["a", "b"])
    assert first["seen"] == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert (second["open"], second["uses"], second["name"]) == (None, None, "Zoë <&> \x0b")


async def test_what_is_exported_can_be_imported_again(
    client: Client, cast: Cast, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    content = await download(client, await export(client, cast.owner, run_jobs, inns, format="xlsx"))
    owner = client.as_(cast.owner)
    found = await owner.post("/api/v1/import/upload", files={"file": ("inns.xlsx", content)})
    assert found.status_code == 200, found.text
    types = {column["name"]: column["type"] for column in found.json()["columns"]}
    assert (types["Beds"], types["Open"], types["Seen"]) == ("number", "boolean", "datetime")


def field(key: str, type: str, **options: Any) -> Field:
    return Field(
        id=uuid4(),
        key=key,
        name=key.title(),
        type=type,
        position=0,
        is_required=False,
        options=options,
        hidden_from=frozenset(),
        read_only_for=frozenset(),
        promoted_to=None,
    )


def write(writer: SpreadsheetWriter | ParquetWriter, rows: list[dict[str, Any]], *, at_once: int = 1000) -> bytes:
    records = [ExportedRecord(id=f"r{place}", values=row, geometry=None) for place, row in enumerate(rows)]
    pieces = [writer.begin()]
    pieces += [writer.write(records[at : at + at_once]) for at in range(0, len(records), at_once)]
    return b"".join([*pieces, writer.end()])


def test_what_does_not_fit_onto_a_sheet_is_on_the_next() -> None:
    writer = SpreadsheetWriter([field("n", "number")], include_id=True, most_rows=3)
    sheets = read_sheets(write(writer, [{"n": number} for number in range(5)], at_once=2))
    assert sheets == {
        "Records": [["id", "N"], ["r0", 0.0], ["r1", 1.0]],
        "Records 2": [["id", "N"], ["r2", 2.0], ["r3", 3.0]],
        "Records 3": [["id", "N"], ["r4", 4.0]],
    }


def test_texts_that_look_like_formulas_are_marked_as_texts() -> None:
    import zipfile

    content = write(SpreadsheetWriter([field("t", "text")], include_id=False), [{"t": "=cmd()"}, {"t": "plain"}])
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert '<c r="A2" s="1" t="inlineStr"><is><t xml:space="preserve">=cmd()</t></is></c>' in sheet
    assert '<c r="A3" t="inlineStr">' in sheet
    assert "<f>" not in sheet


def test_long_texts_ids_and_durations_fit_their_cells() -> None:
    fields = [field("t", "text"), field("n", "number"), field("d", "duration")]
    rows = [{"t": "x" * 40_000, "n": 1234567890123456789, "d": 5400}, {"t": "😀" * 20_000, "d": -90}]
    first, second = read_sheets(write(SpreadsheetWriter(fields, include_id=False), rows))["Records"][1:]
    assert (len(first[0]), first[0][-1], first[1]) == (LONGEST_CELL, "…", "1234567890123456789")
    assert first[2] == timedelta(hours=1, minutes=30)
    assert (len(second[0].encode("utf-16-le")) // 2 <= LONGEST_CELL, second[2]) == (True, "-0:01:30")


def test_a_parquet_file_has_groups_of_rows() -> None:
    rows = [{"n": number} for number in range(GROUP_ROWS + 1)]
    file = pq.ParquetFile(io.BytesIO(write(ParquetWriter([field("n", "number")], include_id=False), rows)))
    assert (file.num_row_groups, file.metadata.num_rows) == (2, GROUP_ROWS + 1)
    assert file.read_row_group(1).to_pylist() == [{"n": float(GROUP_ROWS)}]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            st.one_of(st.none(), st.integers(-(10**14), 10**14), st.floats(-1e12, 1e12)),
            st.one_of(st.none(), st.datetimes(datetime(1901, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001
        ),
        max_size=5,
    )
)
def test_any_values_come_back_from_a_workbook(rows: list[tuple[str, float | None, datetime | None]]) -> None:
    fields = [field("t", "text"), field("n", "number"), field("m", "datetime"), field("e", "text")]
    values = [{"t": t, "n": n, "m": m and m.replace(microsecond=0).isoformat() + "Z", "e": "."} for t, n, m in rows]
    (sheet,) = read_sheets(write(SpreadsheetWriter(fields, include_id=False), values)).values()
    for read, (text, number, moment) in zip(sheet[1:], rows, strict=True):
        assert read[0] == text.replace("\r\n", "\n") or read[0] == text
        assert read[1] == ("" if number is None else pytest.approx(number))
        if moment is None:
            assert read[2] == ""
        else:
            # The reader has midnight for a day.
            at = read[2] if isinstance(read[2], datetime) else datetime.combine(read[2], datetime.min.time())
            assert abs(at - moment.replace(microsecond=0)) <= timedelta(milliseconds=5)
