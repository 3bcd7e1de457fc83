"""Operands that name whoever looks: themselves, their teams, their address.

They stand in row rules and in views that many share. PostgreSQL looks up what they are, so that a change of a team
counts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.types import ValueRefused

if TYPE_CHECKING:
    from fostr.domains.records.query.operators import Builder
    from fostr.domains.records.query.subjects import Subject

VIEWER: Final = "$viewer"
"""The key of such an operand: `{"$viewer": "member_id"}`."""

TEAMS: Final = "team_ids"
WORDS: Final = ("member_id", "user_id", "email", TEAMS)
_TEXTUAL: Final = frozenset({"text", "list"})


def value_of_viewer(builder: Builder, subject: Subject, operand: dict[str, Any]) -> str:
    """Return the SQL of one value.

    Raises:
        ValueRefused: the subject does not hold such values, it is a list, or nobody in particular looks.
    """
    word = _word(builder, subject, operand)
    if word == TEAMS:
        raise ValueRefused("stands for a list")
    return _one(builder, subject, word)


def list_of_viewer(builder: Builder, subject: Subject, operand: dict[str, Any]) -> str:
    """Return the SQL of an array of values.

    Raises:
        ValueRefused: the subject does not hold such values, or nobody in particular looks.
    """
    word = _word(builder, subject, operand)
    if word != TEAMS:
        return f"array[{_one(builder, subject, word)}]"
    return f"""array(
        select t.team_id{_cast(subject)} from team_members t
        join teams a on a.workspace_id = :workspace and a.id = t.team_id and a.is_active
        where t.workspace_id = :workspace and t.member_id = {_member(builder)}
    )"""


def _word(builder: Builder, subject: Subject, operand: dict[str, Any]) -> str:
    word = operand[VIEWER]
    if len(operand) != 1 or word not in WORDS:
        raise ValueRefused(f"names none of {', '.join(WORDS)} of the viewer")
    if builder.viewer is None:
        raise ValueRefused("names a viewer, and nobody in particular looks")
    if subject.kind not in _TEXTUAL and (subject.kind != "identifier" or word == "email"):
        raise ValueRefused("is nothing that it could hold")
    return word


def _one(builder: Builder, subject: Subject, word: str) -> str:
    if word == "member_id":
        return f"{_member(builder)}{_cast(subject)}"
    column = "m.email" if word == "email" else f"m.user_id{_cast(subject)}"
    return f"(select {column} from members m where m.workspace_id = :workspace and m.id = {_member(builder)})"


def _member(builder: Builder) -> str:
    return f"{builder.bind(builder.viewer)}::uuid"


def _cast(subject: Subject) -> str:
    return "" if subject.kind == "identifier" else "::text"
