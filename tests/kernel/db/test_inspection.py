"""The check that statements name their workspace sees what it should, and nothing else."""

import pytest

from tests.support.inspection import find_faults

GOOD = [
    "select r.id from records r where r.workspace_id = $1",
    "select id from records where workspace_id = $1 and id = $2",
    "select r.id from records r join members m on m.workspace_id = r.workspace_id and m.id = r.owner_id"
    " where r.workspace_id = $1",
    "select r.id from records r left join members m on m.id = r.owner_id and m.workspace_id = $1"
    " where r.workspace_id = $1",
    "select 1 from workspaces w where w.id = $1",
    "insert into teams (workspace_id, id, name) values ($1, $2, $3)",
    "insert into teams (workspace_id, id, name) select $1, t.id, t.name from teams t where t.workspace_id = $1",
    "insert into teams (id, workspace_id) select u.id, $1::uuid from unnest($2::uuid[]) as u (id)",
    "update teams t set name = $2 where t.workspace_id = $1 and t.id = $3",
    "delete from teams t using members m where t.workspace_id = $1 and m.workspace_id = t.workspace_id",
    "with x as (select id from records where workspace_id = $1) select id from x",
    "declare stream_rows no scroll cursor for select id from records where workspace_id = $1",
    "select s.id, (select count(*) from records r where r.workspace_id = $1) from recordsets s"
    " where s.workspace_id = $1",
]
BAD = [
    "select id from records",
    "select r.id from records r where r.id = $1",
    "select r.id from records r where r.workspace_id = $1 or r.id = $2",
    "select r.id from records r where not r.workspace_id = $1",
    "select r.id from records r, members m where r.workspace_id = $1 and m.id = r.owner_id",
    "select r.id from records r join members m on m.id = r.owner_id where r.workspace_id = $1",
    "select s.id, (select count(*) from records r where r.recordset_id = s.id) from recordsets s"
    " where s.workspace_id = $1",
    "with x as (select id from records) select id from x",
    "insert into teams (id, name) values ($1, $2)",
    "insert into teams (workspace_id, id) values (gen_random_uuid(), $1)",
    "insert into teams (workspace_id, id) select t.workspace_id, t.id from teams t",
    "update teams set name = $1 where id = $2",
    "delete from teams",
    "declare stream_rows no scroll cursor for select id from records",
    "select id from app.records",
    "select id from data.records",
]


@pytest.mark.parametrize("text", GOOD)
def test_statements_that_name_their_workspace_pass(text: str) -> None:
    assert find_faults(text) == []


@pytest.mark.parametrize("text", BAD)
def test_statements_that_do_not_are_found(text: str) -> None:
    assert find_faults(text) != []
