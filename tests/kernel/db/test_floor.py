"""The floor holds whatever the statement says."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import pytest

from fostr.kernel.db.tables import metadata, workspace_tables
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.inspection import StatementInspector

ALL_MEMBERS = "select id, workspace_id from members"


@pytest.fixture(autouse=True)
def statements_name_their_workspace(inspector: StatementInspector) -> Iterator[None]:
    """The statements of this file are wrong on purpose: they name no workspace, and are not held against anybody."""
    yield
    inspector.take_faults()


async def test_a_statement_without_a_condition_sees_its_own_workspace_only(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit(cast.globex) as unit:
        rows = await unit.rows(ALL_MEMBERS)
    assert [row["id"] for row in rows] == [cast.stranger.member_id]


async def test_without_a_workspace_every_table_is_empty(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit() as unit:
        for table in workspace_tables():
            assert await unit.value(f"select count(*) from {table}") == 0, table


async def test_foreign_rows_are_neither_changed_nor_deleted(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit(cast.globex) as unit:
        changed = await unit.run(
            "update members set full_name = 'Taken' where id = :id",
            id=cast.owner.member_id,
        )
        deleted = await unit.run("delete from members where id = :id", id=cast.owner.member_id)
    assert (changed, deleted) == (0, 0)


async def test_a_row_cannot_be_written_into_another_workspace(runtime: Runtime, cast: Cast) -> None:
    insert = "insert into teams (workspace_id, id, name) values (:elsewhere, :id, 'Spies')"
    for workspace in (cast.globex, None):
        with pytest.raises(asyncpg.WithCheckOptionViolationError):
            async with runtime.database.unit(workspace) as unit:
                await unit.run(insert, elsewhere=cast.acme, id=new_id())


async def test_a_row_cannot_be_moved_into_another_workspace(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(asyncpg.WithCheckOptionViolationError):
        async with runtime.database.unit(cast.globex) as unit:
            await unit.run("update members set workspace_id = :elsewhere", elsewhere=cast.acme)


async def test_the_application_owns_nothing_and_cannot_reach_the_tables(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        for table in workspace_tables():
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with unit.savepoint():
                    await unit.value(f"select count(*) from data.{table}")
        owned = await unit.value(
            "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = current_user"
        )
        privileged = await unit.value(
            "select rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = current_user"
        )
    assert (owned, privileged) == (0, False)


async def test_every_table_can_be_distributed_by_workspace() -> None:
    for table in workspace_tables().values():
        keys = [next(iter(table.primary_key.columns)).name]
        keys += [next(iter(index.expressions)).name for index in table.indexes]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
        keys += [next(iter(constraint.columns)).name for constraint in table.foreign_key_constraints]
        assert set(keys) == {"workspace_id"}, table.name


async def test_names_are_unique_over_both_schemas() -> None:
    names = [table.name for table in metadata.tables.values()]
    assert len(names) == len(set(names))


async def test_the_relay_learns_workspaces_and_nothing_more(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        rows = await unit.rows("select w from workspaces_with_events('nobody') as w")
        assert all(list(row.keys()) == ["w"] for row in rows)
