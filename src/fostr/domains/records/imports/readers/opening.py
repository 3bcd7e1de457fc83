"""From a file and its name to the reader of its format."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from fostr.domains.records.imports.readers.delimited import DelimitedReader, Delimiter, Dialect, detect_dialect
from fostr.domains.records.imports.readers.source import START, FileEmpty, FileTypeUnsupported, Format, Position
from fostr.kernel.files.sniffing import SNIFFED_BYTES, check_type

if TYPE_CHECKING:
    from fostr.domains.records.imports.readers.encoding import EncodingName
    from fostr.domains.records.imports.readers.source import Reader

_OFFICE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TABLES: Final = frozenset({"", ".csv", ".tsv", ".tab", ".txt"})
_LINES: Final = frozenset({".ndjson", ".jsonl"})
_BY_TYPE: Final[dict[str, Format]] = {
    "application/json": "json",
    "application/geo+json": "geojson",
    _OFFICE: "spreadsheet",
    "application/vnd.openxmlformats-package": "spreadsheet",
    "application/vnd.oasis.opendocument.spreadsheet": "spreadsheet",
    "application/x-ole-storage": "spreadsheet",
}
_SPREADSHEETS: Final = frozenset({".xlsx", ".xls", ".ods", ".xlsm", ".xlsb"})


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What somebody knows of how a file is written; None is found out."""

    encoding: EncodingName | None = None
    delimiter: Delimiter | None = None
    has_header: bool = True
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """How a file is read; all that a later reader needs to read it in the same way."""

    format: Format
    encoding: EncodingName | None = None
    mark: int = 0
    delimiter: Delimiter | None = None
    has_header: bool = True
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Source:
        """Return what `as_document` was made from."""
        values: dict[str, Any] = {**document, "sheets": tuple(document["sheets"]), "keys": tuple(document["keys"])}
        return cls(**values)


def detect_source(file: BinaryIO, filename: str, options: ReadingOptions) -> Source:
    """Find out how a file is to be read.

    Raises:
        FileEmpty: it holds nothing.
        FileTypeMismatch: its content is not what its name says.
        FileTypeUnsupported: it is of a type that has no rows.
    """
    file.seek(0)
    head = file.read(SNIFFED_BYTES)
    if not head.strip():
        raise FileEmpty
    detected = check_type(head, filename)
    kind = _detect_format(detected.media_type, PurePath(filename).suffix.lower())
    if kind == "csv":
        return _detect_table(file, options, preferred="\t" if detected.extension in {".tsv", ".tab"} else ",")
    if kind == "spreadsheet":
        return _detect_sheet(file, options)
    from fostr.domains.records.imports.readers.documents import list_keys

    return Source(format=kind, keys=list_keys(file, kind))


def _detect_format(media_type: str, extension: str) -> Format:
    if media_type == "text/plain" and extension in _TABLES:
        return "csv"
    if media_type in {"application/json", "application/geo+json"} and extension in _LINES:
        return "ndjson"
    kind = _BY_TYPE.get(media_type)
    if kind is None or (kind == "spreadsheet") != (extension in _SPREADSHEETS):
        raise FileTypeUnsupported(detected=media_type)
    return kind


def _detect_table(file: BinaryIO, options: ReadingOptions, *, preferred: Delimiter) -> Source:
    dialect = detect_dialect(
        file,
        encoding=options.encoding,
        delimiter=options.delimiter,
        has_header=options.has_header,
        preferred=preferred,
    )
    return Source(
        format="csv",
        encoding=dialect.encoding,
        mark=dialect.mark,
        delimiter=dialect.delimiter,
        has_header=dialect.has_header,
    )


def _detect_sheet(file: BinaryIO, options: ReadingOptions) -> Source:
    from fostr.domains.records.imports.readers.spreadsheet import list_sheets

    sheets = list_sheets(file)
    if options.sheet is not None and options.sheet not in sheets:
        raise FileTypeUnsupported(f"The file has no sheet {options.sheet!r}.", sheets=list(sheets))
    return Source(format="spreadsheet", has_header=options.has_header, sheet=options.sheet or sheets[0], sheets=sheets)


def open_reader(file: BinaryIO, source: Source, *, position: Position = START) -> Reader:
    """Return a reader of a file, at its beginning or where an earlier reader stopped."""
    if source.format == "csv":
        dialect = Dialect(source.encoding or "utf-8", source.mark, source.delimiter or ",", source.has_header)
        return DelimitedReader(file, dialect, position=position)
    if source.format == "spreadsheet":
        from fostr.domains.records.imports.readers.spreadsheet import SpreadsheetReader

        return SpreadsheetReader(file, sheet=source.sheet or "", has_header=source.has_header, position=position)
    from fostr.domains.records.imports.readers.documents import DocumentReader

    return DocumentReader(file, source.format, keys=source.keys, position=position)
