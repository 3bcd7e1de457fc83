"""What a file is by its bytes, and whether that is what its name says."""

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from fostr.kernel.http.errors import Unprocessable

SNIFFED_BYTES: Final = 8192
"""How much of the beginning of a file is worth having; less is fine."""

_TEXT: Final = "text/plain"
_HTML: Final = "text/html"
_XML: Final = "text/xml"
_SVG: Final = "image/svg+xml"
_JSON: Final = "application/json"
_GEOJSON: Final = "application/geo+json"
_ZIP: Final = "application/zip"
_OLE: Final = "application/x-ole-storage"
_OFFICE_PACKAGE: Final = "application/vnd.openxmlformats-package"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_XLSX: Final = f"{_OFFICE}.spreadsheetml.sheet"
_DOCX: Final = f"{_OFFICE}.wordprocessingml.document"
_PPTX: Final = f"{_OFFICE}.presentationml.presentation"
_ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
_UNKNOWN: Final = "application/octet-stream"

# What each name claims to be. A text without a signature of its own is text/plain to us, so that is what a
# .csv has to look like; an extension that is not here claims nothing.
_CLAIMS: Final[dict[str, frozenset[str]]] = {
    extension: frozenset(media_types)
    for extensions, media_types in (
        ((".csv", ".tsv", ".tab"), (_TEXT,)),
        ((".txt", ".md", ".log"), (_TEXT, _JSON, _GEOJSON, _HTML, _XML, _SVG)),
        ((".json", ".geojson", ".ndjson", ".jsonl"), (_JSON, _GEOJSON)),
        ((".xml", ".kml", ".gpx"), (_XML,)),
        ((".svg",), (_SVG,)),
        ((".html", ".htm"), (_HTML,)),
        ((".xlsx", ".xlsm", ".xlsb"), (_XLSX, _OFFICE_PACKAGE)),
        ((".docx",), (_DOCX, _OFFICE_PACKAGE)),
        ((".pptx",), (_PPTX, _OFFICE_PACKAGE)),
        ((".ods",), (_ODS,)),
        ((".xls", ".doc", ".ppt", ".msg"), (_OLE,)),
        ((".zip",), (_ZIP, _XLSX, _DOCX, _PPTX, _ODS, _OFFICE_PACKAGE)),
        ((".pdf",), ("application/pdf",)),
        ((".png",), ("image/png",)),
        ((".jpg", ".jpeg"), ("image/jpeg",)),
        ((".gif",), ("image/gif",)),
        ((".webp",), ("image/webp",)),
        ((".gz",), ("application/gzip",)),
    )
    for extension in extensions
}

# puremagic has an opinion on nearly any two bytes; what matters to us is decided here, by all of its bytes.
_SIGNATURES: Final = (
    (re.compile(rb"\s*%PDF-"), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _OLE),
    (re.compile(rb"\x1f\x8b\x08"), "application/gzip"),
    (re.compile(rb"\{\\rtf"), "application/rtf"),
)
_LEAST_CONFIDENCE: Final = 0.4  # puremagic's figure for a match of four bytes

_ZIP_ENTRY: Final = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_ZIP_FOLDERS: Final = ((b"xl/", _XLSX), (b"word/", _DOCX), (b"ppt/", _PPTX))
_OFFICE_ENTRIES: Final = (b"[Content_Types].xml", b"_rels/", b"docProps/")

_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n\f\r\x1a\x1b"))
_MOST_CONTROLS: Final = 0.01

_HTML_START: Final = re.compile(r"<(!doctype html|html|head|body|script|table|meta|div)\b", re.IGNORECASE)
_HTML_ELEMENT: Final = re.compile(r"<html\b", re.IGNORECASE)
_XML_START: Final = re.compile(r"<(\?xml|!doctype|!--|[a-z_][\w.:-]*(\s[^<>]*)?/?>)", re.IGNORECASE)
_SVG_ELEMENT: Final = re.compile(r"<svg\b", re.IGNORECASE)
_JSON_START: Final = re.compile(r'\{\s*("|\}|$)|\[\s*([\[{"\]]|-?\d|true\b|false\b|null\b|$)')
_GEOJSON_TYPE: Final = re.compile(
    r'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|(Multi)?(Point|LineString|Polygon))"'
)


class FileTypeMismatch(Unprocessable):
    """A file's content is something else than its name says."""

    code = "file_type_mismatch"
    detail = "The file's content is not what its name says."


@dataclass(frozen=True, slots=True)
class DetectedType:
    """What the bytes are, as a media type, and whether the name's extension may stand for that."""

    media_type: str
    extension: str
    is_truthful: bool


def sniff(first_bytes: bytes, filename: str) -> DetectedType:
    """Say what a file is by how it begins, and whether its name tells the truth.

    Texts without a signature of their own (CSV, TSV, notes, and nothing at all) are `text/plain`.
    """
    extension = PurePath(filename).suffix.lower()
    media_type = _detect(first_bytes[:SNIFFED_BYTES])
    claimed = _CLAIMS.get(extension)
    return DetectedType(
        media_type=media_type, extension=extension, is_truthful=claimed is None or media_type in claimed
    )


def check_type(first_bytes: bytes, filename: str) -> DetectedType:
    """Return what a file is, or raise FileTypeMismatch when its name says something else."""
    detected = sniff(first_bytes, filename)
    if not detected.is_truthful:
        raise FileTypeMismatch(detected=detected.media_type, extension=detected.extension)
    return detected


def _detect(head: bytes) -> str:
    for pattern, media_type in _SIGNATURES:
        if pattern.match(head):
            return media_type
    if head.startswith(b"PK\x03\x04"):
        return _detect_archive(head)
    text = _read_text(head)
    return _detect_by_magic(head) if text is None else _detect_text(text.lstrip("\ufeff \t\r\n"))


def _detect_archive(head: bytes) -> str:
    """Tell office documents from other archives, by the names of the entries that lie in the beginning."""
    names = [
        head[entry.end() : entry.end() + int.from_bytes(entry[1], "little")] for entry in _ZIP_ENTRY.finditer(head)
    ]
    if names[:1] == [b"mimetype"] and _ODS.encode() in head:
        return _ODS
    for folder, media_type in _ZIP_FOLDERS:
        if any(name.startswith(folder) for name in names):
            return media_type
    return _OFFICE_PACKAGE if any(name.startswith(_OFFICE_ENTRIES) for name in names) else _ZIP


def _read_text(head: bytes) -> str | None:
    """Return the beginning as text, or None when it is no text in any usual encoding."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace")
    controls = len(head) - len(head.translate(None, delete=_CONTROLS))
    if b"\0" in head or controls > len(head) * _MOST_CONTROLS:
        return None
    return head.decode("utf-8", errors="replace")


def _detect_text(text: str) -> str:
    if _HTML_START.match(text):
        return _HTML
    if _XML_START.match(text):
        return _detect_markup(text)
    if _JSON_START.match(text):
        return _GEOJSON if _GEOJSON_TYPE.search(text) else _JSON
    return _TEXT


def _detect_markup(text: str) -> str:
    if _HTML_ELEMENT.search(text):
        return _HTML
    return _SVG if _SVG_ELEMENT.search(text) else _XML


def _detect_by_magic(head: bytes) -> str:
    # Its table of signatures takes time to load; it is asked only for what is neither text nor one of ours.
    import puremagic

    try:
        matches: list[Any] = puremagic.magic_string(head)  # pyright: ignore[reportUnknownMemberType] - half typed
    except puremagic.PureError:
        return _UNKNOWN
    best = next((match for match in matches if match.confidence >= _LEAST_CONFIDENCE), None)
    return str(best.mime_type) if best and best.mime_type else _UNKNOWN
