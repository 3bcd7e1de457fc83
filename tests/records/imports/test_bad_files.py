"""Files as people really have them: each is understood, or refused with a code that says why."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Awaitable, Callable

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal
from tests.support.imports import IMPORT, rows_of, run_import, upload

RunJobs = Callable[[], Awaitable[None]]


async def send(client: Client, filename: str, content: bytes) -> Response:
    return await client.post(f"{IMPORT}/upload", files={"file": (filename, content)})


def make_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("filename", "content", "code"),
    [
        ("empty.csv", b"", "file_empty"),
        ("blank.csv", b"\n \n\n", "file_empty"),
        ("mark.csv", b"\xef\xbb\xbf", "file_empty"),
        ("wide.csv", b",".join(b"c%d" % number for number in range(10_000)) + b"\n", "too_many_columns"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "file_type_mismatch"),
        ("archive.csv", make_archive(), "file_type_mismatch"),
        ("page.csv", b"<!doctype html><html><body>Sign in</body></html>", "file_type_mismatch"),
        ("table.xlsx", b"a,b\n1,2\n", "file_type_mismatch"),
        ("nul.csv", b"a,b\n\0,2\n", "file_type_mismatch"),
        ("paper.pdf", b"%PDF-1.7\n1 0 obj", "file_type_unsupported"),
        ("quote.csv", b'a,b\n1,"' + b"never closed,\n" * 20_000, "quote_unclosed"),
        ("tail.csv", b'a,b\n1,2\n3,"4\n', "quote_unclosed"),
        ("line.csv", b"a\n" + b"x" * (5 << 20), "file_unreadable"),
        ("half.csv", b"\xff\xfea\0,\0b\0\n\0\x31", "file_undecodable"),
        ("cut.json", b'[{"a": 1}, {"a"', "file_unreadable"),
    ],
)
async def test_a_file_that_cannot_be_imported_is_refused(
    client: Client, cast: Cast, runtime: Runtime, filename: str, content: bytes, code: str
) -> None:
    response = await send(client.as_(cast.member), filename, content)
    assert refusal(response) == (422, code)
    folder = runtime.settings.files_folder / str(cast.acme)
    assert [path for path in folder.rglob("*") if path.is_file()] == [], "nothing of it is kept"
    async with runtime.database.unit(cast.acme) as unit:
        assert await unit.value("select count(*) from import_files f where f.workspace_id = :workspace") == 0


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"\xef\xbb\xbfname,n\nZo\xc3\xab,1\n", [{"name": "Zoë", "n": 1}]),
        ("name,n\nZoë,1\n".encode("utf-16"), [{"name": "Zoë", "n": 1}]),
        (b"name,n\nZo\xeb \x80,1\n", [{"name": "Zoë €", "n": 1}]),
        (b"name;n\nZoe;1,5\nMax;2\n", [{"name": "Zoe", "n": 1.5}, {"name": "Max", "n": 2}]),
        (b"name|n\nZoe|1\n", [{"name": "Zoe", "n": 1}]),
        (b'name,n\r\n"two\r\nlines, ""quoted""",1\r\n', [{"name": 'two\r\nlines, "quoted"', "n": 1}]),
        (b"name,n\nshort\nfull,1\n", [{"name": "short"}, {"name": "full", "n": 1}]),
        (b"name,,name,n,\nA,B,C,1,\n", [{"name": "A", "column_2": "B", "name_2": "C", "n": 1}]),
        (b"name,n\n", []),
        (b"name\nZoe", [{"name": "Zoe"}]),
        (b"name,n\n,\n\n  ,\t\nZoe,1\n,,\n", [{}, {"name": "Zoe", "n": 1}]),
        (b"code\n00123\n4\n", [{"code": "00123"}, {"code": "4"}]),
        (b"id\n12345678901234567890\n", [{"id": "12345678901234567890"}]),
    ],
)
async def test_a_file_as_people_have_it_is_understood(
    client: Client,
    cast: Cast,
    run_jobs: RunJobs,
    runtime: Runtime,
    content: bytes,
    values: list[dict[str, object]],
) -> None:
    job = await run_import(client.as_(cast.owner), run_jobs, content)
    assert (job["imported_rows"], job["failed_rows"]) == (len(values), 0)
    rows = await rows_of(runtime, cast.acme, job["recordset_id"])
    assert [row["field_values"] for row in rows] == values


async def test_a_nul_far_inside_is_told_of_its_row(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    content = b"name\n" + b"fine\n" * 3000 + b"\0nul\n" + b"fine too\n"
    job = await run_import(client.as_(cast.owner), run_jobs, content)
    assert (job["imported_rows"], job["failed_rows"]) == (3001, 1)
    assert job["faults"] == [{"column": "name", "reason": "holds a NUL character", "count": 1, "first_row": 3001}]


async def test_values_that_the_sample_did_not_show_are_told(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    """The sample comes from all over the file, and yet not every row is in it."""
    lines = [f"{number},x\n" for number in range(20_000)]
    lines[7] = "seven,x\n"
    owner = client.as_(cast.owner)
    found = await upload(owner, "table.csv", "n,t\n" + "".join(lines))
    assert found["columns"][0]["type"] == "number"
    job = await run_import(owner, run_jobs, "n,t\n" + "".join(lines))
    assert (job["imported_rows"], job["failed_rows"]) == (19_999, 1)
    assert job["faults"] == [{"column": "n", "reason": "is not a number", "count": 1, "first_row": 8}]


async def test_notes_say_what_was_made_up(client: Client, cast: Cast) -> None:
    found = await upload(client.as_(cast.member), "x.csv", "a,,a,when\n1,2,3,01/02/2024\n1\n\n1,2,3,4,5\n")
    assert [(note["code"], note["column"], note["count"]) for note in found["notes"]] == [
        ("header_empty", 1, None),
        ("header_duplicate", 2, None),
        ("rows_short", None, 1),
        ("rows_long", None, 1),
        ("rows_blank", None, 1),
    ]
    assert [(c["name"], c["original_name"], c["key"]) for c in found["columns"]] == [
        ("a", "a", "a"),
        ("column_2", "", "column_2"),
        ("a_2", "a", "a_2"),
        ("when", "when", "when"),
    ]
    empty = await upload(client.as_(cast.member), "x.csv", "a,b\n")
    assert [note["code"] for note in empty["notes"]] == ["no_rows"]


async def test_names_of_files_lead_nowhere(client: Client, cast: Cast) -> None:
    found = await upload(client.as_(cast.member), "../../etc/pass\u202ewd.csv", "a\n1\n")
    assert found["filename"] == "passwd.csv"
