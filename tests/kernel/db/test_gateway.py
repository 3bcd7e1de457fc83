"""The table gateway, on a workspace table and on a control table."""

from __future__ import annotations

import pytest

from fostr.domains.records.recordsets.tables import recordsets
from fostr.kernel.auth.tables import users
from fostr.kernel.db.gateway import delete_row, find_row, insert_row, list_rows, update_row
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast


async def test_a_row_is_inserted_found_changed_and_deleted(runtime: Runtime, cast: Cast) -> None:
    row_id = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        inserted = await insert_row(unit, recordsets, {"id": row_id, "slug": "boats", "name": "Boats"})
        assert (inserted["workspace_id"], inserted["version"], inserted["settings"]) == (cast.acme, 1, {})
        changed = await update_row(unit, recordsets, row_id, changes={"name": "Ships"})
        assert changed is not None
        assert (changed["name"], changed["version"]) == ("Ships", 2)
        assert await find_row(unit, recordsets, row_id, lock=True) == changed
        assert await delete_row(unit, recordsets, row_id)
        assert not await delete_row(unit, recordsets, row_id)
        assert await find_row(unit, recordsets, row_id) is None


async def test_another_version_is_left_as_it_is(runtime: Runtime, cast: Cast) -> None:
    row_id = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await insert_row(unit, recordsets, {"id": row_id, "slug": "boats", "name": "Boats"})
        assert await update_row(unit, recordsets, row_id, changes={"name": "No"}, expected_version=2) is None
        assert await update_row(unit, recordsets, row_id, changes={"name": "Yes"}, expected_version=1) is not None


async def test_rows_are_listed_by_values_in_parts(runtime: Runtime, cast: Cast) -> None:
    ids = [new_id() for _ in range(3)]
    async with runtime.database.unit(cast.acme) as unit:
        for number, row_id in enumerate(ids):
            await insert_row(unit, recordsets, {"id": row_id, "slug": f"s{number}", "name": "Same"})
        found = await list_rows(unit, recordsets, where={"name": "Same"}, limit=2, offset=1)
    assert [row["id"] for row in found] == ids[1:]


async def test_another_workspace_is_out_of_reach(runtime: Runtime, cast: Cast) -> None:
    row_id = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await insert_row(unit, recordsets, {"id": row_id, "slug": "boats", "name": "Boats"})
    async with runtime.database.unit(cast.globex) as unit:
        assert await find_row(unit, recordsets, row_id) is None
        assert await update_row(unit, recordsets, row_id, changes={"name": "Taken"}) is None
        assert not await delete_row(unit, recordsets, row_id)
        assert await list_rows(unit, recordsets, where={}, limit=10) == []


async def test_control_tables_have_no_workspace(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit() as unit:
        found = await find_row(unit, users, cast.owner.user_id)
        assert found is not None
        assert found["email"] == cast.owner.email


async def test_only_declared_columns_become_sql(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        for columns in ({"name; drop table": 1}, {"workspace_id": cast.globex}):
            with pytest.raises(ValueError, match="not columns"):
                await insert_row(unit, recordsets, columns)
