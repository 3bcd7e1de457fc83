"""The floor under isolation: what a statement can reach even when it is wrong.

The server logs in as a role that owns nothing and has no right on schema `data`. Its search path is `app`,
where a view stands for every workspace table and shows the rows of the transaction's workspace only. Without a
workspace, every view is empty and every insert fails.

Views, not row security: the barrier of row security keeps operators that are not leak-proof out of index scans
(measured 20 to 70 times slower for text, trigram and box searches). Where views cannot serve, as on Citus, another
maker takes this module's place; nothing above it knows which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.kernel.db.address import APPLICATION
from fostr.kernel.db.tables import CONTROL, DATA, column_names, workspace_tables

if TYPE_CHECKING:
    from sqlalchemy import Table

OWNER: Final = "fostr_owner"
VIEWS: Final = "app"

CURRENT_WORKSPACE: Final = "nullif(current_setting('fostr.workspace', true), '')::uuid"


def view_statement(table: Table) -> str:
    """Return the SQL that makes the view of one workspace table."""
    columns = ", ".join(f'"{name}"' for name in column_names(table))
    return (
        f'create view {VIEWS}."{table.name}" as select {columns} from {DATA}."{table.name}"'
        f" where workspace_id = {CURRENT_WORKSPACE} with local check option"
    )


def floor_statements() -> list[str]:
    """Return the SQL that rebuilds every view and every grant, to be run in one transaction by the owner."""
    return [
        f"drop schema if exists {VIEWS} cascade",
        f"create schema {VIEWS}",
        *(view_statement(table) for table in workspace_tables().values()),
        *_pending_events(),
        f"revoke all on schema {DATA} from public",
        f"grant usage on schema {VIEWS}, {CONTROL} to {APPLICATION}",
        f"grant select, insert, update, delete on all tables in schema {VIEWS} to {APPLICATION}",
        f"grant select, insert, update, delete on all tables in schema {CONTROL} to {APPLICATION}",
        f"grant usage, select on all sequences in schema {CONTROL} to {APPLICATION}",
        f"grant execute on all functions in schema {CONTROL} to {APPLICATION}",
    ]


def _pending_events() -> list[str]:
    """Return the function that tells the relay which workspaces have events after a consumer's cursor.

    It is the only way for the application to learn anything about several workspaces at once, and it tells their
    ids alone.
    """
    return [
        f"""
        create function {VIEWS}.workspaces_with_events(consumer text) returns setof uuid
        language sql stable security definer set search_path = '' as $$
            select w.id from {CONTROL}.workspaces w
            left join {CONTROL}.event_cursors c on c.workspace_id = w.id and c.consumer = $1
            where exists (
                select 1 from {DATA}.events e
                where e.workspace_id = w.id and e.position > coalesce(c.position, 0)
            )
        $$
        """,
        f"revoke all on function {VIEWS}.workspaces_with_events(text) from public",
        f"grant execute on function {VIEWS}.workspaces_with_events(text) to {APPLICATION}",
    ]
