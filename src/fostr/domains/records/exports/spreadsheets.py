"""Excel workbooks (Office Open XML), written as they are read from the database: memory stays flat.

Only what a table needs is written: typed cells, texts in their cells, six styles. Every text is a text to Excel, also
one that begins like a formula; those get the mark that an apostrophe before them would set, so that they stay texts
when somebody edits the cell.
"""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from fostr.domains.records.exports.formats import DANGEROUS
from fostr.domains.records.exports.sinks import Sink
from fostr.domains.records.fields.cells import write_cell
from fostr.domains.records.fields.values import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from fostr.domains.records.exports.formats import ExportedRecord
    from fostr.domains.records.fields.model import Field

MOST_ROWS: Final = 1_048_576
"""Of a sheet, by Excel's own limit; what is more goes onto another sheet."""
MOST_BYTES: Final = 1_500_000_000
"""Of a sheet before it is packed: what is larger would need an extension of the format that not every program reads."""
LONGEST_CELL: Final = 32_767
"""UTF-16 units in a cell, by Excel's own limit; longer texts end with an ellipsis."""

_TEXT, _FORMULA, _DATE, _MOMENT, _PERCENT, _DURATION, _HEADER = range(7)
_DANGEROUS: Final = frozenset(DANGEROUS)
_LARGEST_EXACT: Final = 10**15
_FIRST_DAY: Final = date(1899, 12, 30)
_EARLIEST: Final = date(1900, 3, 1)
"""Before it, Excel counts a day that there never was."""
_DAY_SECONDS: Final = 86_400
_COMPRESSION: Final = 1
"""Twice as fast as what programs usually choose, for a file that is a fifth larger."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
_SPECIAL: Final = re.compile(rf"[&<>]|{_UNPRINTABLE.pattern}")

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_STYLES: Final = f"""{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="3">\
<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>\
<numFmt numFmtId="166" formatCode="[h]:mm:ss"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font>\
</fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>\
</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="7"><xf/><xf quotePrefix="1"/><xf numFmtId="164" applyNumberFormat="1"/>\
<xf numFmtId="165" applyNumberFormat="1"/><xf numFmtId="10" applyNumberFormat="1"/>\
<xf numFmtId="166" applyNumberFormat="1"/><xf fontId="1" applyFont="1" quotePrefix="1"/></cellXfs></styleSheet>"""
_SHEET_BEGIN: Final = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
).encode()
_SHEET_END: Final = b"</sheetData></worksheet>"


class SpreadsheetWriter:
    """An Excel workbook: a header with the fields' names, one row a record, more sheets where one is full."""

    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, fields: Sequence[Field], *, include_id: bool, most_rows: int = MOST_ROWS) -> None:
        """Write these fields, under their names."""
        self._keys = [field.key for field in fields]
        self._names = [*(["id"] if include_id else []), *(field.name for field in fields)]
        self._encoders = [_encoder(field) for field in fields]
        self._include_id = include_id
        self._columns = [_column(place) for place in range(len(self._names))]
        self._most_rows = most_rows
        self._sink = Sink()
        self._archive = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION)
        self._sheets = 0
        self._sheet: IO[bytes] | None = None
        self._row = 0
        self._size = 0

    def begin(self) -> bytes:
        """Return the beginning of the archive and of the first sheet."""
        self._archive.writestr("xl/styles.xml", _STYLES)
        self._open_sheet()
        return self._sink.take()

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return some records, as far as they are packed."""
        rows: list[str] = []
        for record in records:
            if self._row >= self._most_rows or self._size > MOST_BYTES:
                self._put(rows)
                rows = []
                self._close_sheet()
                self._open_sheet()
            rows.append(self._line(record))
        self._put(rows)
        return self._sink.take()

    def end(self) -> bytes:
        """Return the end of the last sheet, and what names all of them."""
        self._close_sheet()
        for name, content in _package(self._sheets).items():
            self._archive.writestr(name, content)
        self._archive.close()
        return self._sink.take()

    def _open_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w")
        self._sheet.write(_SHEET_BEGIN)
        self._row, self._size = 0, 0
        self._put([self._cells([_text(name, style=_HEADER) for name in self._names])])

    def _close_sheet(self) -> None:
        if self._sheet is not None:
            self._sheet.write(_SHEET_END)
            self._sheet.close()

    def _put(self, rows: list[str]) -> None:
        content = "".join(rows).encode()
        self._size += len(content)
        if self._sheet is not None:
            self._sheet.write(content)

    def _line(self, record: ExportedRecord) -> str:
        get = record.values.get
        found = [
            "" if (value := get(key)) is None else encode(value)
            for key, encode in zip(self._keys, self._encoders, strict=True)
        ]
        return self._cells([_text(record.id), *found] if self._include_id else found)

    def _cells(self, cells: list[str]) -> str:
        self._row += 1
        row = self._row
        told = "".join(
            [f'<c r="{column}{row}"{cell}' for column, cell in zip(self._columns, cells, strict=True) if cell]
        )
        return f'<row r="{row}">{told}</row>'


def _column(place: int) -> str:
    """Return what Excel calls a column: A to Z, then AA."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(65 + letter) + name
    return name


def _encoder(field: Field) -> Callable[[Any], str]:
    """Return what writes a value of a field as the rest of a cell's element, behind its place."""
    field_type = field.field_type

    def as_text(value: Any) -> str:
        return _text(write_cell(field_type, value))

    def as_number(value: Any) -> str:
        return _number(value) if isinstance(value, int | float) else as_text(value)

    def as_word(value: Any) -> str:
        return _text(value) if isinstance(value, str) else as_text(value)

    def as_truth(value: Any) -> str:
        return f' t="b"><v>{int(value)}</v></c>' if isinstance(value, bool) else as_text(value)

    if field.type in {"duration", "percent"}:
        return partial(_SPECIAL_NUMBERS[field.type], as_text)
    if field.kind == "time":
        zone = zone_of(field.options)
        return lambda value: _time(value, zone) if isinstance(value, str) else as_text(value)
    if field.kind == "text" and field_type.write is None:
        return as_word
    return {"number": as_number, "boolean": as_truth}.get(field.kind, as_text)


def _duration(as_text: Callable[[Any], str], value: float) -> str:
    # Excel has no time before midnight.
    return _number(value / _DAY_SECONDS, style=_DURATION) if value >= 0 else as_text(value)


def _percent(_: Callable[[Any], str], value: float) -> str:
    return _number(value, style=_PERCENT)


_SPECIAL_NUMBERS: Final = {"duration": _duration, "percent": _percent}


def _number(value: float, *, style: int = _TEXT) -> str:
    if abs(value) >= _LARGEST_EXACT and isinstance(value, int):
        # A number of Excel's has 15 digits; a long id would end in zeros.
        return _text(str(value))
    return f' s="{style}"><v>{value!r}</v></c>' if style else f"><v>{value!r}</v></c>"


@lru_cache(maxsize=10_000)
def _time(value: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _text(value)
    is_day = len(value) == len("2026-01-31")
    local = moment if is_day or moment.tzinfo is None else moment.astimezone(zone)
    if local.date() < _EARLIEST:
        return _text(value)
    days = (local.date() - _FIRST_DAY).days
    if is_day:
        return _number(days, style=_DATE)
    within = local.replace(tzinfo=UTC) - datetime(local.year, local.month, local.day, tzinfo=UTC)
    return _number(days + within / timedelta(days=1), style=_MOMENT)


def _text(text: str, *, style: int | None = None) -> str:
    if not text:
        return ""
    if len(text) > LONGEST_CELL // 2:
        text = _cut(text)
    if style is None:
        style = _FORMULA if text[:1] in _DANGEROUS else _TEXT
    if _SPECIAL.search(text):
        text = escape(_UNPRINTABLE.sub(_escape_unprintable, text))
    if style:
        return f' s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _cut(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_CELL:
        return text
    return units[: 2 * (LONGEST_CELL - 1)].decode("utf-16-le", errors="ignore") + "…"


def _escape_unprintable(match: re.Match[str]) -> str:
    # As the format has it for what XML cannot hold, and for a text that looks like that.
    found = match[0]
    return "_x005F_x" if found == "_x" else f"_x{ord(found):04X}_"


def _package(sheets: int) -> dict[str, str]:
    """Return the files that say what the archive holds."""
    numbers = range(1, sheets + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
    )
    named = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in zip(numbers, _sheet_names(), strict=False)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATED}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    styles = f'<Relationship Id="rId{sheets + 1}" Type="{_RELATED}/styles" Target="styles.xml"/>'
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{overrides}'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{related}{styles}</Relationships>",
    }


def _sheet_names() -> Any:
    return (f"Records {n}" if n > 1 else "Records" for n in count(1))
