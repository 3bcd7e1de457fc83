"""Cursors: where in a list its reader stands, sealed, because the values of a record's fields are in it.

A cursor holds the values by which its last record is sorted, not a number of records to skip: what is created or
deleted in between moves nothing, and however far it leads, an index leads there at once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from fostr.domains.records.query.sorting import Position
from fostr.kernel.crypto.envelopes import EnvelopeRefused, decrypt, encrypt
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from fostr.domains.records.query.selection import RecordQuery, Selection
    from fostr.kernel.http.context import Context

PURPOSE: Final = "cursor of a list of records"
LONGEST_CURSOR: Final = 20_000
_DIGEST_SIZE: Final = 16
# What an envelope is written in and a query would have to escape, and what stands for it there.
_ESCAPES: Final = ((":", "."), ("+", "-"), ("/", "_"), ("=", "~"))


class CursorInvalid(Unprocessable):
    """The cursor does not lead on in this list."""

    code = "cursor_invalid"
    detail = "The cursor is none of this list: it goes with the same caller, filters and order that it was given for."


def seal_cursor(context: Context, position: Position, *, question: bytes) -> str:
    """Return the cursor of the records that come after a position."""
    state = question + orjson.dumps([str(position.id), *position.keys])
    envelope = encrypt(context.runtime.keys, state, workspace=context.workspace_id, purpose=PURPOSE)
    for sign, stand_in in _ESCAPES:
        envelope = envelope.replace(sign, stand_in)
    return envelope


def open_cursor(context: Context, cursor: str, *, question: bytes) -> Position:
    """Return the position that a cursor holds.

    Raises:
        CursorInvalid: it was altered, or was given to somebody else or for another question.
    """
    envelope = cursor
    for sign, stand_in in _ESCAPES:
        envelope = envelope.replace(stand_in, sign)
    try:
        state = decrypt(context.runtime.keys, envelope, workspace=context.workspace_id, purpose=PURPOSE)
    except EnvelopeRefused:
        raise CursorInvalid from None
    if state[:_DIGEST_SIZE] != question:
        raise CursorInvalid
    record_id, *keys = orjson.loads(state[_DIGEST_SIZE:])
    return Position(keys=tuple(keys), id=UUID(record_id))


def digest_question(context: Context, query: RecordQuery, selection: Selection, *, recordset_id: UUID | None) -> bytes:
    """Return what tells one question from another: who asks, for which records, in which order."""
    types = [key.type for key in selection.order.keys]
    told = orjson.dumps([context.member_id, recordset_id, query, types], default=str)
    return hashlib.blake2b(told, digest_size=_DIGEST_SIZE).digest()
