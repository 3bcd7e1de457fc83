"""Answering a question once for as long as its layer stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.map.cache import MOST_BYTES, Answer, AnswerCache
from fostr.domains.records.map.layers import find_version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_answers: Final = AnswerCache(most_bytes=MOST_BYTES)


async def answer_once(
    reached: Reached, question: Hashable, condition: Fragment, make: Callable[[Unit], Awaitable[bytes]]
) -> Answer:
    """Return the answer to a question about some records, made now or kept from before.

    Args:
        reached: the recordset.
        question: everything that the answer depends on beside the records, their rights and their condition.
        condition: which records; what the caller may not see is left out by it.
        make: makes the answer, by nothing but the condition and the question.
    """
    unit, access = reached.unit, reached.context.access
    version = await find_version(unit, reached.recordset)
    key = (access.workspace_id, access.rights_epoch, reached.recordset.id, version, question, freeze(condition))
    kept = _answers.find(key)
    if kept is not None:
        return kept
    answer = Answer.of(await make(unit))
    _answers.keep(key, answer)
    return answer


def freeze(fragment: Fragment) -> Hashable:
    """Return SQL and the values of its parameters as a key."""
    return fragment.text, tuple((name, repr(value)) for name, value in sorted(fragment.params.items()))
