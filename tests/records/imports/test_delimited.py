"""Tables in text: how they are written down is found out, and reading goes on from any row as if it had not stopped."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.domains.records.imports.readers.delimited import (
    DelimitedReader,
    Delimiter,
    Dialect,
    QuoteUnclosed,
    detect_delimiter,
    detect_dialect,
)
from fostr.domains.records.imports.readers.encoding import EncodingName, FileUndecodable
from fostr.domains.records.imports.readers.source import (
    FileEmpty,
    FileUnreadable,
    Position,
    TooManyColumns,
    name_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS: dict[str, bytes] = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def read_all(content: bytes, dialect: Dialect | None = None, *, step: int = 1000) -> list[list[str]]:
    """Return the header and all rows."""
    file = io.BytesIO(content)
    reader = DelimitedReader(file, dialect or detect_dialect(file))
    rows = [list(reader.header)]
    while block := reader.read(step).rows:
        rows += block
    return rows


def walk(content: bytes, dialect: Dialect, steps: Iterator[int]) -> list[list[str]]:
    """Return all rows as readers see them of which each begins where the one before was told to stand."""
    rows: list[list[str]] = []
    position = Position(0, 0)
    while True:
        reader = DelimitedReader(io.BytesIO(content), dialect, position=position)
        block = reader.read(next(steps))
        if not block.rows:
            return rows
        assert block.first == len(rows) + 1
        rows += block.rows
        position = block.end
        assert position.row == len(rows)


@pytest.mark.parametrize(
    ("content", "encoding", "mark"),
    [
        (b"name\nZo\xc3\xab\n", "utf-8", 0),
        (b"\xef\xbb\xbfname\nZo\xc3\xab\n", "utf-8", 3),
        (b"name\nZo\xeb\n", "windows-1252", 0),
        ("name\nZoë\n".encode("utf-16"), "utf-16-le", 2),
        (b"\xfe\xff" + "name\nZoë\n".encode("utf-16-be"), "utf-16-be", 2),
    ],
)
def test_the_encoding_is_found_by_rule(content: bytes, encoding: EncodingName, mark: int) -> None:
    dialect = detect_dialect(io.BytesIO(content))
    assert (dialect.encoding, dialect.mark) == (encoding, mark)
    assert read_all(content) == [["name"], ["Zoë"]]


def test_a_byte_that_means_nothing_in_windows_1252_is_kept_as_browsers_keep_it() -> None:
    assert read_all(b"name\n\x81\x80\n") == [["name"], ["\x81€"]]


def test_one_late_byte_decides_for_windows_1252() -> None:
    content = b"name\n" + b"plain\n" * 400_000 + b"Zo\xeb\n"
    assert detect_dialect(io.BytesIO(content)).encoding == "windows-1252"


def test_a_wrong_encoding_that_was_named_is_refused() -> None:
    dialect = detect_dialect(io.BytesIO(b"name\nZo\xeb\n"), encoding="utf-8")
    with pytest.raises(FileUndecodable):
        read_all(b"name\nZo\xeb\n", dialect)
    half = detect_dialect(io.BytesIO(b"\xff\xfea\0\n\0b"))
    with pytest.raises(FileUndecodable):
        read_all(b"\xff\xfea\0\n\0b", half)


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2,5;x\n3,1;4,2;y\n", ";"),
        ("a\tb\n1, 2\t3\n", "\t"),
        ("last, first|age\nDoe, Jane|41\nRoe, Rick|39\nPoe|50\nMoe|51\n", "|"),
        ('"x;y;z",b\n"1;2;3",2\n"4;5;6",3\n', ","),
        ("a,b\n1,2\n\n3,4,5\n6,7\n8,9\n", ","),
        ("name\nJane\n", ","),
    ],
)
def test_the_delimiter_is_the_one_by_which_rows_agree(head: str, delimiter: Delimiter) -> None:
    assert detect_delimiter(head) == delimiter


def test_quotes_hold_delimiters_quotes_and_line_ends() -> None:
    content = b'a,b\r\n"1,5","say ""hi"""\r\n"two\r\nlines",x\r\n\r\nlast,row'
    assert read_all(content) == [["a", "b"], ["1,5", 'say "hi"'], ["two\r\nlines", "x"], [], ["last", "row"]]


def test_old_line_ends_are_line_ends_and_others_are_not() -> None:
    assert read_all(b"a,b\r1,2\r3,4\r") == [["a", "b"], ["1", "2"], ["3", "4"]]
    assert read_all("a\nx\u2028y\x0bz\x85\n".encode()) == [["a"], ["x\u2028y\x0bz\x85"]]


def test_without_a_header_the_first_row_is_a_row() -> None:
    content = b"1,2\n3,4\n"
    dialect = detect_dialect(io.BytesIO(content), has_header=False)
    assert read_all(content, dialect) == [["", ""], ["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n  \n"])
def test_a_file_with_nothing_in_it_is_refused(content: bytes) -> None:
    with pytest.raises(FileEmpty):
        read_all(content)


def test_a_quote_that_is_never_closed_is_found() -> None:
    with pytest.raises(QuoteUnclosed, match="row 2"):
        read_all(b'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    with pytest.raises(QuoteUnclosed):
        read_all(b'a,b\n1,"' + b"x,y\n" * 100_000)


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(FileUnreadable, match="longer than"):
        read_all(b"a\n" + b"x" * (6 << 20))


CELLS = st.text(st.sampled_from('ab,;\t|" \r\n\x0b\u2028é€😀\x85'), max_size=6)
TABLES = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=12))


@given(
    rows=TABLES,
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    data=st.data(),
)
def test_reading_goes_on_from_any_row(
    rows: list[list[str]], encoding: EncodingName, delimiter: Delimiter, line_end: str, data: Any
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([["header"], *rows])
    content = MARKS[encoding] + buffer.getvalue().encode(encoding)
    dialect = Dialect(encoding, len(MARKS[encoding]), delimiter, has_header=True)
    assert read_all(content, dialect)[1:] == rows
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=len(rows) + 1, max_size=len(rows) + 1))
    assert walk(content, dialect, iter(sizes)) == rows


def test_reading_goes_on_far_inside_a_large_file() -> None:
    rows = [[str(number), f"Zoë {number}", "two\nlines" if number % 7 == 0 else "x"] for number in range(100_000)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["a", "b", "c"], *rows])
    content = buffer.getvalue().encode()
    dialect = detect_dialect(io.BytesIO(content))
    reader = DelimitedReader(io.BytesIO(content), dialect)
    read: list[list[str]] = []
    while (block := reader.read(7777)).rows:
        assert block.first == len(read) + 1
        read += block.rows
        resumed = DelimitedReader(io.BytesIO(content), dialect, position=block.end).read(3)
        assert resumed.rows == rows[len(read) : len(read) + 3]
    assert read == rows
    assert block.end == Position(len(content), len(rows))


def test_names_are_made_unique_and_told() -> None:
    names, notes = name_columns(["Name", "name", "", "Name", "column_3", "x" * 200])
    assert names == ["Name", "name_2", "column_3_2", "Name_3", "column_3", "x" * 120]
    assert [(note.code, note.column) for note in notes] == [
        ("header_duplicate", 1),
        ("header_empty", 2),
        ("header_duplicate", 3),
        ("header_shortened", 5),
    ]


def test_a_name_that_the_file_gives_is_not_given_to_another_column() -> None:
    assert name_columns(["a", "a", "a_2"])[0] == ["a", "a_3", "a_2"]


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(TooManyColumns):
        name_columns(["x"] * 10_000)
