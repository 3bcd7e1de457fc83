"""Spreadsheets and JSON give the same rows as a table in text would, from any row on."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from fostr.domains.records.imports.analysis import analyse
from fostr.domains.records.imports.readers.opening import ReadingOptions, Source, detect_source, open_reader
from fostr.domains.records.imports.readers.source import FileTypeUnsupported, FileUnreadable, TooManyColumns
from fostr.kernel.files.sniffing import FileTypeMismatch

if TYPE_CHECKING:
    from fostr.domains.records.imports.readers.source import Reader

CELLS = {
    "xl/worksheets/sheet1.xml": (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c><c r="B1" t="inlineStr"><is><t>Size</t></is></c>'
        '<c r="C1" t="inlineStr"><is><t>Since</t></is></c><c r="D1" t="inlineStr"><is><t>Open</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Zoë</t></is></c><c r="B2"><v>5</v></c>'
        '<c r="C2" s="1"><v>45322</v></c><c r="D2" t="b"><v>1</v></c></row>'
        '<row r="3"><c r="A3" t="inlineStr"><is><t>Max</t></is></c><c r="B3"><v>2.5</v></c>'
        '<c r="C3" s="1"><v>45323</v></c><c r="D3" t="b"><v>0</v></c></row></sheetData></worksheet>'
    ),
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
        "</Relationships>"
    ),
    "xl/styles.xml": (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2">'
        '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
    ),
}


def make_workbook() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in CELLS.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def open_again(content: bytes, source: Source, reader: Reader, *, count: int) -> Reader:
    """Read some rows and return a new reader that goes on behind them."""
    return open_reader(io.BytesIO(content), source, position=reader.read(count).end)


def test_a_spreadsheet_is_read_by_its_cells() -> None:
    content = make_workbook()
    found = analyse(io.BytesIO(content), "people.xlsx", ReadingOptions())
    assert (found.source.format, found.source.sheet, found.total_rows) == ("spreadsheet", "People", 2)
    assert [(c.name, c.inferred.type) for c in found.columns] == [
        ("Name", "text"),
        ("Size", "number"),
        ("Since", "date"),
        ("Open", "boolean"),
    ]
    assert found.sample_rows == [["Zoë", "5", "2024-01-31", "true"], ["Max", "2.5", "2024-02-01", "false"]]
    reader = open_reader(io.BytesIO(content), found.source)
    assert open_again(content, found.source, reader, count=1).read(9).rows == found.sample_rows[1:]


def test_a_sheet_that_is_not_there_is_refused() -> None:
    with pytest.raises(FileTypeUnsupported):
        detect_source(io.BytesIO(make_workbook()), "people.xlsx", ReadingOptions(sheet="Plants"))


def test_a_broken_spreadsheet_is_refused() -> None:
    content = make_workbook()
    with pytest.raises(FileUnreadable):
        detect_source(io.BytesIO(content[: len(content) // 2]), "people.xlsx", ReadingOptions())


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("people.json", b'[{"name":"Zo\xc3\xab","size":5},{"name":"Max","tags":["a"],"size":2.5}]'),
        ("people.ndjson", b'{"name":"Zo\xc3\xab","size":5}\n\n{"name":"Max","tags":["a"],"size":2.5}'),
        ("people.json", b'\xef\xbb\xbf[{"name":"Zo\xc3\xab","size":5},{"name":"Max","tags":["a"],"size":2.5}]'),
    ],
)
def test_objects_are_rows(filename: str, content: bytes) -> None:
    found = analyse(io.BytesIO(content), filename, ReadingOptions())
    types = {c.name: c.inferred.type for c in found.columns}
    assert types == {"name": "text", "size": "number", "tags": "json"}
    rows = [dict(zip(types, row, strict=True)) for row in found.sample_rows]
    assert rows == [{"name": "Zoë", "size": "5", "tags": ""}, {"name": "Max", "size": "2.5", "tags": '["a"]'}]
    reader = open_reader(io.BytesIO(content), found.source)
    assert open_again(content, found.source, reader, count=1).read(9).rows == found.sample_rows[1:]


def test_features_are_rows_with_a_geometry() -> None:
    content = (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","id":7,"properties":{"name":"Bern"},'
        b'"geometry":{"type":"Point","coordinates":[7.45,46.95]}},{"type":"Feature","properties":null,"geometry":null}]}'
    )
    found = analyse(io.BytesIO(content), "cities.geojson", ReadingOptions())
    assert found.source.format == "geojson"
    assert [(c.name, c.inferred.type) for c in found.columns] == [
        ("geometry", "geometry"),
        ("id", "number"),
        ("name", "text"),
    ]
    assert found.sample_rows[0] == ['{"type":"Point","coordinates":[7.45,46.95]}', "7", "Bern"]


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("x.json", b'{"a": 1}'),
        ("x.json", b"[1, 2]"),
        ("x.json", b'[{"a": 1}, {"a": '),
        ("x.ndjson", b'{"a": 1}\n{"a"\n'),
        ("x.geojson", b'{"type":"Feature","properties":{},"geometry":null}'),
    ],
)
def test_other_json_is_refused(filename: str, content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        analyse(io.BytesIO(content), filename, ReadingOptions())


def test_too_many_keys_are_refused() -> None:
    keys = ",".join(f'"k{number}":1' for number in range(501))
    with pytest.raises(TooManyColumns):
        analyse(io.BytesIO(f"[{{{keys}}}]".encode()), "x.json", ReadingOptions())


def test_a_file_that_lies_about_its_type_is_refused() -> None:
    with pytest.raises(FileTypeMismatch):
        analyse(io.BytesIO(make_workbook()), "people.csv", ReadingOptions())
    with pytest.raises(FileTypeMismatch):
        analyse(io.BytesIO(b"a,b\n1,2\n"), "people.xlsx", ReadingOptions())
    with pytest.raises(FileTypeUnsupported):
        analyse(io.BytesIO(b"%PDF-1.7\n"), "paper.pdf", ReadingOptions())
