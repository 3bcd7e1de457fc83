"""Statements about what is being provisioned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fostr.domains.identity.provisioning.rules import Kind
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = "id, kind, job_id, request, user_id, workspace_id, done_at"


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What is being provisioned."""

    id: UUID
    kind: Kind
    job_id: UUID
    request: str | None
    user_id: UUID | None
    workspace_id: UUID | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owner:
    """An account that could own a workspace."""

    id: UUID
    is_active: bool


async def insert_provisioning(
    unit: Unit, *, provisioning_id: UUID, digest: bytes, kind: Kind, job_id: UUID, request: str, now: datetime
) -> None:
    await unit.run(
        """
        insert into provisionings (id, digest, kind, job_id, request, created_at)
        values (:id, :digest, :kind, :job_id, :request, :now)
        """,
        id=provisioning_id,
        digest=digest,
        kind=kind,
        job_id=job_id,
        request=request,
        now=now,
    )


async def find_by_digest(unit: Unit, *, digest: bytes) -> Provisioning | None:
    row = await unit.row(f"select {_COLUMNS} from provisionings where digest = :digest", digest=digest)
    return None if row is None else Provisioning(**dict(row))


async def find_by_job(unit: Unit, *, job_id: UUID) -> Provisioning | None:
    row = await unit.row(f"select {_COLUMNS} from provisionings where job_id = :job_id", job_id=job_id)
    return None if row is None else Provisioning(**dict(row))


async def find_owner(unit: Unit, *, email: str) -> Owner | None:
    row = await unit.row("select id, is_active from users where email = :email for key share", email=email)
    return None if row is None else Owner(**dict(row))


async def mark_done(unit: Unit, *, provisioning_id: UUID, user_id: UUID, workspace_id: UUID, now: datetime) -> None:
    await unit.run(
        """
        update provisionings set request = null, user_id = :user_id, workspace_id = :made, done_at = :now
        where id = :id
        """,
        id=provisioning_id,
        user_id=user_id,
        made=workspace_id,
        now=now,
    )


async def take_tokens(unit: Unit, *, provisioning_id: UUID, now: datetime, not_before: datetime) -> UUID | None:
    """Return the person to let in; of any number of readers at once, one gets them.

    Nobody, once somebody has signed in to the account or shown that its address is theirs: it is they who decide by
    then what opens it.
    """
    return await unit.value(
        """
        update provisionings p set tokens_taken_at = :now
        from users u
        where p.id = :id and p.kind = 'signup' and p.tokens_taken_at is null and p.done_at > :not_before
          and u.id = p.user_id and u.is_active and u.last_sign_in_at is null and u.email_verified_at is null
        returning p.user_id
        """,
        id=provisioning_id,
        now=now,
        not_before=not_before,
    )


async def find_workspace_name(unit: Unit, *, workspace_id: UUID) -> str | None:
    return await unit.value("select name from workspaces where id = :id and deleted_at is null", id=workspace_id)


async def delete_old(unit: Unit, *, before: datetime) -> int:
    return await unit.run("delete from provisionings where created_at < :before", before=before)
