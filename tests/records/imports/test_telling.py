"""The end of an import is told: by mail to who has not seen it, and by an event to whoever tells people otherwise."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from fostr.kernel.jobs.worker import drain
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.imports import start_import, upload
from tests.support.mail import text_of
from tests.support.mailing import open_mailing


async def end_events(runtime: Runtime, workspace: UUID, import_id: str) -> list[tuple[str, dict[str, Any]]]:
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.type, e.after from events e
            where e.workspace_id = :workspace and e.entity_id = :id order by e.id
            """,
            id=UUID(import_id),
        )
    return [(row["type"], row["after"]) for row in rows]


async def email_of(runtime: Runtime, cast: Cast) -> str:
    async with runtime.database.unit(cast.acme) as unit:
        return await unit.value(
            "select m.email from members m where m.workspace_id = :workspace and m.id = :id", id=cast.member.member_id
        )


async def test_rows_that_were_left_out_are_told_by_mail(client: Client, cast: Cast, runtime: Runtime) -> None:
    member, email = client.as_(cast.member), await email_of(runtime, cast)
    async with open_mailing(runtime, client) as mailing:
        quick = await start_import(member, await upload(member, "fine.csv", "a\n1\n"))
        await drain(mailing.runtime)
        assert mailing.mailbox.to(email) == [], "who begins a short import sees its end"
        fields = [{"column": "size", "type": "number"}]
        started = await start_import(member, await upload(member, "bad.csv", "size\n1\nx\n"), fields=fields)
        message = await mailing.mail_to(email, about="bad.csv")
        assert message["subject"] == "Imported: bad.csv"
        text = text_of(message)
        assert "New records: 1" in text
        assert "Rows left out: 1" in text
        found = re.search(r"https?://\S+/download\?\S+", text)
        assert found is not None
        report = await client.anonymous().get(found[0].removeprefix("http://fostr.test"))
        assert "is not a number" in report.text
    ((kind, facts),) = await end_events(runtime, cast.acme, started["import_id"])
    assert (kind, facts["imported"], facts["failed"], facts["error_code"]) == ("import.completed", 1, 1, None)
    assert facts["requested_by"] == str(cast.member.member_id)
    assert [kind for kind, _ in await end_events(runtime, cast.acme, quick["import_id"])] == ["import.completed"]


async def test_mail_about_imports_is_ended_from_within_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    member, email = client.as_(cast.member), await email_of(runtime, cast)
    fields = [{"column": "size", "type": "number"}]
    async with open_mailing(runtime, client) as mailing:
        await start_import(member, await upload(member, "one.csv", "size\n1\nx\n"), fields=fields)
        message = await mailing.mail_to(email, about="one.csv")
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        address = str(message["List-Unsubscribe"]).strip("<>")
        assert address.replace("/api/v1/notifications", "") in text_of(message)
        ended = await client.anonymous().post(address.removeprefix("http://fostr.test"))
        assert (ended.status_code, ended.json()["notification_types"]) == (200, ["import_finished"])
        await start_import(member, await upload(member, "two.csv", "size\n1\nx\n"), fields=fields)
        await drain(mailing.runtime)
        assert len(mailing.mailbox.to(email)) == 1


async def test_an_import_that_fails_is_told_with_its_reason(client: Client, cast: Cast, runtime: Runtime) -> None:
    member, email = client.as_(cast.member), await email_of(runtime, cast)
    async with open_mailing(runtime, client) as mailing:
        started = await start_import(member, await upload(member, "x.csv", "a,b\n1,2\n"))
        path = f"/api/v1/recordsets/{started['recordset_slug']}"
        assert (await member.patch(path, json={"remove_fields": ["b"]})).status_code == 200
        message = await mailing.mail_to(email, about="x.csv")
        assert message["subject"] == "Import failed: x.csv"
        assert "Fields into which the file is imported were removed." in text_of(message)
        cancelled = await start_import(member, await upload(member, "y.csv", "a\n1\n"))
        await member.post(f"/api/v1/import/jobs/{cancelled['job_id']}/cancel")
        await drain(mailing.runtime)
        assert len(mailing.mailbox.to(email)) == 1, "who cancels an import knows of it"
    ((kind, facts),) = await end_events(runtime, cast.acme, started["import_id"])
    assert (kind, facts["error_code"]) == ("import.failed", "import_fields_gone")
    assert [kind for kind, _ in await end_events(runtime, cast.acme, cancelled["import_id"])] == ["import.cancelled"]
