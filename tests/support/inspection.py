"""Refuse statements that leave a workspace table without its workspace.

Every distinct statement that runs under test is parsed. For each workspace table in it, the same query level must tie
the table's `workspace_id` to the bound workspace: by comparing it with the parameter, or with the `workspace_id` of a
table that is tied already. An insert must write the parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pglast import parse_sql
from pglast.visitors import Visitor

from fostr.kernel.db.migrate import import_tables
from fostr.kernel.db.tables import workspace_tables

if TYPE_CHECKING:
    from uuid import UUID

_CURSOR: Final = re.compile(r"^\s*declare\s+\w+\s+(?:no\s+scroll\s+)?cursor\s+for\s+", re.IGNORECASE)
COLUMN: Final = "workspace_id"

# What is a workspace table must be known before the first statement is looked at.
import_tables()


@dataclass
class Level:
    """One query level: its workspace tables by alias, and which columns and parameters are equal."""

    tables: dict[str, str] = field(default_factory=dict[str, str])
    equal: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class StatementInspector:
    """Collects the statements of a run that do not name their workspace."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.seen: set[str] = set()
        self.faults: list[str] = []
        self.count = 0

    def __call__(self, text: str, workspace: UUID | None) -> None:
        """Look at a statement; called by the unit of work."""
        del workspace
        self.count += 1
        if text in self.seen:
            return
        self.seen.add(text)
        self.faults += [f"{fault}\n{text}" for fault in find_faults(text)]

    def take_faults(self) -> list[str]:
        """Return what was found since the last call."""
        found, self.faults = self.faults, []
        return found


def find_faults(text: str) -> list[str]:
    """Return what is wrong with a statement: each workspace table that is not tied to the workspace."""
    visitor = _TieVisitor()
    visitor(parse_sql(_CURSOR.sub("", text)))
    return visitor.faults


class _TieVisitor(Visitor):
    """Checks every query level of a statement."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def visit_SelectStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        level = Level()
        for item in node.fromClause or ():
            _collect_from(item, level)
        _collect_equalities(node.whereClause, level)
        self._judge(level)

    def visit_UpdateStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        self._judge(_changing_level(node.relation, node.fromClause, node.whereClause))

    def visit_DeleteStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        self._judge(_changing_level(node.relation, node.usingClause, node.whereClause))

    def visit_InsertStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        if node.relation.relname not in workspace_tables():
            return
        columns = [column.name for column in node.cols or ()]
        if COLUMN not in columns:
            self.faults.append(f"insert into {node.relation.relname} does not write {COLUMN}")
            return
        position = columns.index(COLUMN)
        select = node.selectStmt
        rows = select.valuesLists or [[target.val for target in select.targetList or ()]]
        for row in rows:
            if not _is_tied_value(row[position], select):
                self.faults.append(f"insert into {node.relation.relname} writes another {COLUMN}")

    def _judge(self, level: Level) -> None:
        tied = {"$"}
        grown = True
        while grown:
            grown = False
            for left, right in level.equal:
                if (left in tied) != (right in tied):
                    tied |= {left, right}
                    grown = True
        self.faults += [
            f"{table} as {alias} is not tied to the workspace"
            for alias, table in level.tables.items()
            if alias not in tied
        ]


def _is(node: Any, kind: str) -> bool:
    # By name, because pglast's classes say nothing useful to a type checker.
    return type(node).__name__ == kind


def _changing_level(relation: Any, others: Any, where: Any) -> Level:
    level = Level()
    _collect_from(relation, level)
    for item in others or ():
        _collect_from(item, level)
    _collect_equalities(where, level)
    return level


def _collect_from(item: Any, level: Level) -> None:
    if _is(item, "RangeVar"):
        if item.relname in workspace_tables():
            level.tables[item.alias.aliasname if item.alias else item.relname] = item.relname
    elif _is(item, "JoinExpr"):
        _collect_from(item.larg, level)
        _collect_from(item.rarg, level)
        _collect_equalities(item.quals, level)


def _collect_equalities(node: Any, level: Level) -> None:
    if _is(node, "BoolExpr") and node.boolop.name == "AND_EXPR":
        for inner in node.args:
            _collect_equalities(inner, level)
    elif _is(node, "A_Expr") and node.name[-1].sval == "=":
        left, right = _side(node.lexpr, level), _side(node.rexpr, level)
        if left is not None and right is not None:
            level.equal.append((left, right))


def _side(node: Any, level: Level) -> str | None:
    if _is(node, "TypeCast"):
        return _side(node.arg, level)
    if _is(node, "ParamRef"):
        return "$"
    if _is(node, "ColumnRef") and getattr(node.fields[-1], "sval", None) == COLUMN:
        if len(node.fields) > 1:
            return node.fields[-2].sval
        return next(iter(level.tables)) if len(level.tables) == 1 else None
    return None


def _is_tied_value(node: Any, select: Any) -> bool:
    if _is(node, "TypeCast"):
        return _is_tied_value(node.arg, select)
    if _is(node, "ParamRef"):
        return True
    # Rows of the statement's own tables are tied already, or the select is refused on its own account.
    return _is(node, "ColumnRef") and getattr(node.fields[-1], "sval", None) == COLUMN and bool(select.fromClause)
