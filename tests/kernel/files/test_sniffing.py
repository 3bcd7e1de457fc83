"""Files are known by their bytes; a name that says otherwise is a lie, and an unknown one says nothing."""

import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.files.sniffing import FileTypeMismatch, check_type, sniff

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(20)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40)
EXE = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(60)
CSV = b"name,latitude,longitude\nThigpen,31.95,-89.23\n"
HTML = b"<!DOCTYPE html><html><body><table><tr><td>1</td></tr></table></body></html>"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}}
GEOJSON = json.dumps({"type": "FeatureCollection", "features": [POINT]}).encode()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def _zip(*names: str, content: bytes = b"x" * 300) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name in names:
            opened.writestr(name, content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (CSV, "airports.csv", "text/plain"),
        (b"\xef\xbb\xbf" + CSV, "airports.csv", "text/plain"),
        (CSV.decode().encode("utf-16"), "airports.csv", "text/plain"),
        ("Größe;Höhe\nä;ö\n".encode("cp1252"), "masse.CSV", "text/plain"),
        (b"a\tb\n1\t2\n", "a.tsv", "text/plain"),
        (b"", "empty.csv", "text/plain"),
        (b"BM;ID3;MZ\n1;2;3\n", "initials.csv", "text/plain"),
        (b"PK,id\n1,2\n", "primary.csv", "text/plain"),
        (b"GIF,JPG\n1,2\n", "kinds.csv", "text/plain"),
        (b"<5,>5\n1,2\n", "bounds.csv", "text/plain"),
        (b"[id],[name]\n1,2\n", "brackets.csv", "text/plain"),
        (b"{id},{name}\n1,2\n", "braces.csv", "text/plain"),
        (b"Notes:\n<html> is markup\n", "notes.txt", "text/plain"),
        (b'{"a": 1}', "a.json", "application/json"),
        (b"\xef\xbb\xbf  \n[1, 2]", "a.json", "application/json"),
        (b'[{"a": 1}]', "a.json", "application/json"),
        (b"[]", "a.json", "application/json"),
        (b'{"a": 1}\n{"a": 2}\n', "a.ndjson", "application/json"),
        (GEOJSON, "a.geojson", "application/geo+json"),
        (GEOJSON, "a.json", "application/geo+json"),
        (b'{"features": [', "cut.geojson", "application/json"),
        (_zip("[Content_Types].xml", "xl/workbook.xml"), "a.xlsx", XLSX),
        (_zip("docProps/app.xml", "xl/workbook.xml"), "a.xlsx", XLSX),
        (_zip("word/document.xml"), "a.docx", DOCX),
        (_zip("mimetype", content=ODS.encode()), "a.ods", ODS),
        (_zip("a.csv"), "a.zip", "application/zip"),
        (OLE, "old.xls", "application/x-ole-storage"),
        (PDF, "a.pdf", "application/pdf"),
        (PNG, "a.png", "image/png"),
        (JPEG, "a.jpeg", "image/jpeg"),
        (b"GIF89a" + bytes(10), "a.gif", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a.webp", "image/webp"),
        (gzip.compress(CSV, mtime=0), "a.csv.gz", "application/gzip"),
        (HTML, "a.html", "text/html"),
        (SVG, "a.svg", "image/svg+xml"),
        (b'<kml xmlns="x"><Document/></kml>', "a.kml", "text/xml"),
        (b"\0\1\2\3odd", "a.odd", "application/octet-stream"),
        (PNG, "no-extension", "image/png"),
    ],
)
def test_honest_file_is_recognised(content: bytes, name: str, media_type: str) -> None:
    detected = check_type(content, name)
    assert detected.media_type == media_type
    assert detected.is_truthful


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (PNG, "a.csv", "image/png"),
        (PNG, "a.jpg", "image/png"),
        (HTML, "a.xls", "text/html"),
        (HTML, "a.csv", "text/html"),
        (b"\n  " + HTML, "a.png", "text/html"),
        (SVG, "a.png", "image/svg+xml"),
        (SVG, "a.csv", "image/svg+xml"),
        (CSV, "a.xlsx", "text/plain"),
        (CSV, "a.json", "text/plain"),
        (CSV, "a.pdf", "text/plain"),
        (GEOJSON, "a.csv", "application/geo+json"),
        (_zip("word/document.xml"), "a.xlsx", DOCX),
        (_zip("a.csv"), "a.xlsx", "application/zip"),
        (_zip("xl/workbook.xml"), "a.csv", XLSX),
        (gzip.compress(CSV, mtime=0), "a.csv", "application/gzip"),
        (PDF, "a.txt", "application/pdf"),
        (b"", "a.xlsx", "text/plain"),
        (b"", "a.png", "text/plain"),
        (b"\0" * 100, "a.csv", "application/octet-stream"),
    ],
)
def test_file_that_lies_is_refused_and_named(content: bytes, name: str, media_type: str) -> None:
    with pytest.raises(FileTypeMismatch) as refusal:
        check_type(content, name)
    assert refusal.value.fields["detected"] == media_type
    assert name.endswith(refusal.value.fields["extension"])


def test_program_under_the_name_of_a_table_is_refused() -> None:
    for name in ("a.csv", "a.xlsx", "a.json", "a.png"):
        with pytest.raises(FileTypeMismatch):
            check_type(EXE, name)


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_bytes_under_any_name_get_an_answer(content: bytes, name: str) -> None:
    detected = sniff(content, name)
    assert "/" in detected.media_type


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda text: text[0] not in "<[{%\\"))
def test_plain_writing_is_text_in_every_script(writing: str) -> None:
    text = f"x{writing}\n"
    assert sniff(text.encode(), "a.csv").is_truthful
    assert sniff(text.encode("utf-16"), "a.csv").is_truthful
