"""Look through a file: how it is written, what its columns hold, how many rows it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, TypeAlias

from fostr.domains.records.imports.inference import Inferred, PlaceRole, infer_column, place_role
from fostr.domains.records.imports.readers.opening import Source, detect_source, open_reader
from fostr.domains.records.imports.readers.source import HeaderNote, name_columns
from fostr.domains.records.recordsets.rules import make_key

if TYPE_CHECKING:
    from fostr.domains.records.imports.readers.opening import ReadingOptions
    from fostr.domains.records.imports.readers.source import Block, Reader

SAMPLED_ROWS: Final = 2000
SHOWN_ROWS: Final = 10
SHOWN_EXAMPLES: Final = 5
LONGEST_SHOWN: Final = 200
BLOCK_ROWS: Final = 5000

NoteCode: TypeAlias = Literal[
    "header_empty", "header_duplicate", "header_shortened", "date_order_uncertain", "rows_short", "rows_long",
    "rows_blank", "no_rows",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the file that a person should know before they import it."""

    code: NoteCode
    message: str
    column: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file, and the field that it could become."""

    index: int
    name: str
    original_name: str
    key: str
    inferred: Inferred
    role: PlaceRole | None
    empty_share: float
    examples: list[str]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What there is to know about a file."""

    source: Source
    columns: list[Column]
    total_rows: int
    sample_rows: list[list[str]]
    notes: list[Note]

    def find_column(self, role: PlaceRole) -> Column | None:
        """Return the first column with a role."""
        return next((column for column in self.columns if column.role == role), None)


@dataclass(slots=True)
class _Survey:
    """Counts rows, and keeps some from all over the file: every n-th, n doubled whenever there are too many."""

    width: int
    total: int = 0
    blank: int = 0
    short: int = 0
    long: int = 0
    shown: list[list[str]] = field(default_factory=list[list[str]])
    sample: list[list[str]] = field(default_factory=list[list[str]])
    stride: int = 1

    def take(self, block: Block) -> None:
        rows = [row for row in block.rows if any(row)]
        self.blank += len(block.rows) - len(rows)
        self.short += sum(len(row) < self.width for row in rows)
        self.long += sum(len(row) > self.width and any(row[self.width :]) for row in rows)
        self.shown += rows[: SHOWN_ROWS - len(self.shown)]
        self.sample += rows[-self.total % self.stride :: self.stride]
        self.total += len(rows)
        while len(self.sample) > SAMPLED_ROWS:
            self.sample = self.sample[::2]
            self.stride *= 2

    def texts(self, column: int) -> list[str]:
        return [row[column] for row in self.sample if column < len(row) and row[column].strip()]


def analyse(file: BinaryIO, filename: str, options: ReadingOptions) -> Analysis:
    """Read a whole file and return what there is to know about it; its memory does not grow with the file.

    Raises:
        FileEmpty, FileUnreadable, FileTypeUnsupported, TooManyColumns: what a file can be refused for.
        FileTypeMismatch: it is something else than its name says.
    """
    source = detect_source(file, filename, options)
    reader = open_reader(file, source)
    names, renamed = name_columns(reader.header)
    survey = _survey(reader, len(names))
    columns = _describe_columns(reader.header, names, survey, source)
    return Analysis(
        source=source,
        columns=columns,
        total_rows=survey.total,
        sample_rows=[[_shorten(cell) for cell in row[: len(names)]] for row in survey.shown],
        notes=[*map(_tell_renamed, renamed), *_tell_dates(columns), *_tell_rows(survey)],
    )


def _survey(reader: Reader, width: int) -> _Survey:
    survey = _Survey(width)
    while (block := reader.read(BLOCK_ROWS)).rows:
        survey.take(block)
    return survey


def _describe_columns(header: tuple[str, ...], names: list[str], survey: _Survey, source: Source) -> list[Column]:
    keys: set[str] = set()
    roles: set[PlaceRole] = set()
    columns: list[Column] = []
    for index, name in enumerate(names):
        texts = survey.texts(index)
        inferred = infer_column(texts, delimiter=source.delimiter or ",")
        role = place_role(name, inferred, texts)
        key = make_key(name, keys)
        keys.add(key)
        column = Column(
            index=index,
            name=name,
            original_name=header[index][:LONGEST_SHOWN],
            key=key,
            inferred=inferred,
            # Of two columns of latitudes, the first is the one.
            role=None if role in roles else role,
            empty_share=round(1 - len(texts) / len(survey.sample), 3) if survey.sample else 1.0,
            examples=[_shorten(text) for text in dict.fromkeys(texts[: SHOWN_EXAMPLES * 20])][:SHOWN_EXAMPLES],
        )
        roles |= {role} if role else set()
        columns.append(column)
    return columns


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


_RENAMED: Final = {
    "header_empty": "Column {number} has no name; it is called {name}.",
    "header_duplicate": "Column {number} has the name of another one; it is called {name}.",
    "header_shortened": "The name of column {number} is too long; it is called {name}.",
}


def _tell_renamed(renamed: HeaderNote) -> Note:
    message = _RENAMED[renamed.code].format(number=renamed.column + 1, name=renamed.name)
    return Note(renamed.code, message, column=renamed.column)


def _tell_dates(columns: list[Column]) -> list[Note]:
    orders = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
    return [
        Note(
            "date_order_uncertain",
            f"No row of {column.name} tells days from months; it is read {orders[column.inferred.date_order]}.",
            column=column.index,
        )
        for column in columns
        if not column.inferred.is_date_order_certain
    ]


def _tell_rows(survey: _Survey) -> list[Note]:
    told: list[tuple[NoteCode, int, str]] = [
        ("rows_short", survey.short, "{count} rows have fewer cells than the header; the others stay empty."),
        ("rows_long", survey.long, "{count} rows have more cells than the header; they will not be imported."),
        ("rows_blank", survey.blank, "{count} blank rows are left out."),
        ("no_rows", int(survey.total == 0), "The file has no rows."),
    ]
    return [Note(code, text.format(count=count), count=count) for code, count, text in told if count]
