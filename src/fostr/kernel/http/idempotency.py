"""`Idempotency-Key` on POST: the first answer is kept in the transaction of its write, and given again to its twins.

A twin that arrives while the first still runs waits on the key's unique row, so that any number of parallel twins
make one effect. A request that fails leaves nothing behind and may be sent again. Keys are kept for a day. The method
follows Stripe's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from fostr.kernel import clock
from fostr.kernel.crypto.envelopes import decrypt, encrypt
from fostr.kernel.http.errors import BadRequest, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request

    from fostr.kernel.auth.principals import Principal
    from fostr.kernel.crypto.keys import KeyRing
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255
KEPT_FOR: Final = timedelta(hours=24)
CLAIM_KEY: Final = "fostr.idempotency"
LARGEST_ANSWER: Final = 1 << 20
PURPOSE: Final = "kept answer"


class IdempotencyKeyInvalid(BadRequest):
    """The key is empty or too long."""

    code = "idempotency_key_invalid"
    detail = f"An Idempotency-Key has 1 to {LONGEST_KEY} visible characters."


class IdempotencyKeyReused(Unprocessable):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for a request with other parameters."


class AlreadyAnswered(Exception):
    """Ends a request whose answer is kept already."""

    def __init__(self, response: Response) -> None:
        """Carry the kept answer."""
        self.response = response
        super().__init__()


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until its transaction ends."""

    id: UUID


async def claim_key(request: Request, unit: Unit, *, principal: Principal, workspace: UUID | None) -> None:
    """Claim the request's key, when it has one; called by the guards after they know the caller.

    Raises:
        AlreadyAnswered: the key's first request was answered; the same answer follows.
        IdempotencyKeyInvalid: the key is malformed.
        IdempotencyKeyReused: the key belongs to a request with another body.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise IdempotencyKeyInvalid
    fingerprint = await _fingerprint(request)
    # By credential, not by person: a smaller credential must not be given what a larger one was answered.
    scope = f"{principal.credential_id}:{workspace or ''}:{request.url.path}"
    claimed = await unit.value(
        """
        insert into idempotency_keys (id, scope, key, fingerprint, created_at)
        values (:id, :scope, :key, :fingerprint, :now)
        on conflict (scope, key) do update
            set id = excluded.id, fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = null
            where idempotency_keys.created_at < :oldest
        returning id
        """,
        id=new_id(),
        scope=scope,
        key=key,
        fingerprint=fingerprint,
        now=clock.now(),
        oldest=clock.now() - KEPT_FOR,
    )
    if claimed is None:
        raise AlreadyAnswered(await _kept_answer(request, unit, scope=scope, key=key, fingerprint=fingerprint))
    request.scope[CLAIM_KEY] = Claim(id=claimed)


async def _fingerprint(request: Request) -> bytes:
    digest = hashlib.sha256(request.url.query.encode())
    if not request.headers.get("content-type", "").startswith("multipart/"):
        digest.update(await request.body())
    return digest.digest()


async def _kept_answer(request: Request, unit: Unit, *, scope: str, key: str, fingerprint: bytes) -> Response:
    kept = await unit.row(
        "select fingerprint, status, content_type, body from idempotency_keys where scope = :scope and key = :key",
        scope=scope,
        key=key,
    )
    if kept is None or kept["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    headers = {"Idempotency-Replayed": "true"}
    body = decrypt(_keys(request), kept["body"].decode(), workspace=None, purpose=PURPOSE)
    return Response(body, status_code=kept["status"], media_type=kept["content_type"], headers=headers)


async def keep_answer(request: Request, unit: Unit, response: Response) -> None:
    """Keep the answer of a request that claimed a key, in the transaction of its write."""
    claim: Claim | None = request.scope.get(CLAIM_KEY)
    if claim is None:
        return
    body = getattr(response, "body", None)
    if not isinstance(body, bytes) or len(body) > LARGEST_ANSWER:
        await unit.run("delete from idempotency_keys where id = :id", id=claim.id)
        return
    await unit.run(
        "update idempotency_keys set status = :status, content_type = :content_type, body = :body where id = :id",
        id=claim.id,
        status=response.status_code,
        content_type=response.media_type,
        # Sealed, because the answer may hold a token that is kept nowhere else.
        body=encrypt(_keys(request), body, workspace=None, purpose=PURPOSE).encode(),
    )


def _keys(request: Request) -> KeyRing:
    runtime: Runtime = request.app.state.runtime
    return runtime.keys


async def delete_expired_keys(unit: Unit) -> int:
    """Delete the keys that are older than a day; return how many."""
    return await unit.run("delete from idempotency_keys where created_at < :oldest", oldest=clock.now() - KEPT_FOR)
