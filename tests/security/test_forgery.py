"""Credentials that nobody gave out: forged, altered, mixed up, or taken to where they do not belong."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fostr.domains.identity.public import mint_password_reset
from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.auth.credentials import ACCESS_AUDIENCE, ACCESS_PURPOSE, COOKIE
from fostr.kernel.crypto.jwt import sign_jwt
from fostr.kernel.crypto.keys import Key
from fostr.kernel.crypto.tokens import check_token
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import new_email, sign_up, who
from tests.identity.test_second_factor import begin, enable
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.statements import watch_statements

UNAUTHORIZED: Final = (401, "unauthorized")
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hmac_token(header: dict[str, Any], claims: dict[str, Any], *, key: bytes, digest: str = "sha256") -> str:
    message = f"{part(header)}.{part(claims)}"
    return f"{message}.{part(hmac.digest(key, message.encode(), digest))}"


def claims_of(made: dict[str, Any]) -> dict[str, Any]:
    payload = made["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def forged_headers(claims: dict[str, Any], key: Key) -> dict[str, str]:
    """Return tokens that say by their own headers how they want to be checked."""
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"typ": "JWT", "kid": key.id}
    signed_by_rsa = f"{part({**header, 'alg': 'RS256'})}.{part(claims)}"
    signature = part(own.sign(signed_by_rsa.encode(), PKCS1v15(), SHA256()))
    embedded = {"kty": "oct", "k": part(b"k" * 32), "kid": key.id}
    return {
        "RS256 with a key of the forger's": f"{signed_by_rsa}.{signature}",
        "HS256 with a public key as the secret": hmac_token({**header, "alg": "HS256"}, claims, key=pem),
        "RS256, signed by our HMAC key": hmac_token({**header, "alg": "RS256"}, claims, key=key.value),
        "HS384, by our key": hmac_token({**header, "alg": "HS384"}, claims, key=key.value, digest="sha384"),
        "HS512, by our key": hmac_token({**header, "alg": "HS512"}, claims, key=key.value, digest="sha512"),
        "a key in the header": hmac_token({**header, "alg": "HS256", "jwk": embedded}, claims, key=b"k" * 32),
        "a key at an address": hmac_token(
            {**header, "alg": "HS256", "jku": "https://elsewhere.example/keys"}, claims, key=b"k" * 32
        ),
        "no key, and an empty one": hmac_token({"alg": "HS256", "typ": "JWT"}, claims, key=b""),
        "a key that is a file": hmac_token({"alg": "HS256", "typ": "JWT", "kid": "/dev/null"}, claims, key=b""),
        "the key's name as the key": hmac_token({**header, "alg": "HS256"}, claims, key=key.id.encode()),
        "a critical extension": hmac_token(
            {**header, "alg": "HS256", "crit": ["exp"], "exp": 1}, claims, key=key.value
        ),
        "encrypted": f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..{part(b'0' * 12)}.{part(claims)}.{part(b'0' * 16)}",
        **{
            f"alg {name}": f"{part({**header, 'alg': name})}.{part(claims)}."
            for name in ("none", "None", "NONE", "nOnE", "", "HS0")
        },
    }


async def test_a_token_does_not_choose_how_it_is_checked(visit: Visit, runtime: Runtime) -> None:
    made = await sign_up(visit())
    claims, key = claims_of(made), runtime.keys.current(ACCESS_PURPOSE)
    for kind, token in forged_headers(claims, key).items():
        assert refusal(await who(visit().with_token(token))) == UNAUTHORIZED, kind
    rightly = hmac_token({"alg": "HS256", "typ": "JWT", "kid": key.id}, claims, key=key.value)
    assert (await who(visit().with_token(rightly))).json()["id"] == made["user"]["id"]


async def test_what_a_token_says_of_itself_opens_nothing(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    """Rightly signed, and still: the session decides who it is, in which workspace, and with which rights."""
    made = await sign_up(visit())
    claims, key = claims_of(made), runtime.keys.current(ACCESS_PURPOSE)
    boasting = {
        **claims,
        "sub": str(cast.owner.user_id),
        "workspace_id": str(cast.acme),
        "role": "owner",
        "scope": "admin",
        "is_superuser": True,
    }
    client = visit().with_token(sign_jwt(boasting, key=key))
    assert (await who(client)).json()["id"] == made["user"]["id"]
    in_acme = {"X-Workspace-Id": str(cast.acme)}
    assert refusal(await client.get("/api/v1/members", headers=in_acme)) == (404, "not_found")
    async with runtime.database.unit() as unit:
        token_id = await unit.value("select id from tokens where user_id = :id limit 1", id=cast.owner.user_id)
    for sid in (token_id, cast.owner.user_id, new_id(), "' or true --", "", 7, None, [claims["sid"]]):
        wrong = sign_jwt({**claims, "sid": sid if isinstance(sid, (int, list)) or sid is None else str(sid)}, key=key)
        assert refusal(await who(visit().with_token(wrong))) == UNAUTHORIZED, sid


async def test_a_token_has_a_beginning_and_an_end(visit: Visit, runtime: Runtime) -> None:
    claims, key = claims_of(await sign_up(visit())), runtime.keys.current(ACCESS_PURPOSE)
    now = int(clock.now().timestamp())
    header = {"alg": "HS256", "typ": "JWT", "kid": key.id}
    endless = {name: value for name, value in claims.items() if name != "exp"}
    wrongs: dict[str, dict[str, Any]] = {
        "no end": endless,
        "an end in words": {**claims, "exp": "never"},
        "an end that is no number": {**claims, "exp": None},
        "not yet": {**claims, "nbf": now + 3600},
        "for somebody else": {**claims, "aud": "other"},
        "for many": {**claims, "aud": ["other", "another"]},
        "for nobody": {**claims, "aud": []},
    }
    for kind, wrong in wrongs.items():
        assert refusal(await who(visit().with_token(hmac_token(header, wrong, key=key.value)))) == UNAUTHORIZED, kind
    over = sign_jwt({**claims, "exp": now - 1}, key=key)
    assert refusal(await who(visit().with_token(over))) == (401, "token_expired")
    assert claims["aud"] == ACCESS_AUDIENCE


async def test_a_session_of_one_workspace_opens_no_other(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    """Whatever stands in the header: a membership is asked for, and one that is over is none."""
    made = await sign_up(visit())
    client, own = visit().with_token(made["access_token"]), made["workspace"]["id"]

    async def members_of(workspace: object) -> Response:
        return await client.get("/api/v1/members", headers={"X-Workspace-Id": str(workspace)})

    assert (await members_of(own)).status_code == 200
    assert refusal(await members_of(cast.acme)) == refusal(await members_of(new_id())) == (404, "not_found")
    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.acme, user_id=made["user"]["id"], role="viewer")
    assert (await members_of(cast.acme)).status_code == 200
    async with runtime.database.unit() as unit:
        await unit.run(
            "update memberships set status = 'suspended' where user_id = :id and workspace_id = :of",
            id=made["user"]["id"],
            of=cast.acme,
        )
    assert refusal(await members_of(cast.acme)) == (404, "not_found")


@pytest.mark.parametrize("kind", ["pat", "api_key"])
async def test_no_altered_character_of_a_token_reaches_the_database(
    visit: Visit, runtime: Runtime, cast: Cast, kind: str
) -> None:
    workspace = cast.acme if kind == "api_key" else None
    token = await create_token(runtime, cast.owner.user_id, workspace_id=workspace)
    client = visit()
    start = len(token) - 49
    with watch_statements() as seen:
        for position in range(start, len(token)):
            other = ALPHABET[(ALPHABET.index(token[position]) + 1) % len(ALPHABET)]
            altered = token[:position] + other + token[position + 1 :]
            assert not check_token(altered)
            assert refusal(await who(client.with_token(altered))) == UNAUTHORIZED
        for altered in (token[:-1], token + "0", token[::-1], token.swapcase(), f"{token} ", f"x{token}", token[1:]):
            assert refusal(await who(client.with_token(altered.replace(" ", "%20")))) == UNAUTHORIZED
    assert seen == []
    assert (await who(client.with_token(token))).status_code == 200


async def test_a_forged_access_token_reaches_no_database(visit: Visit, runtime: Runtime) -> None:
    claims, key = claims_of(await sign_up(visit())), runtime.keys.current(ACCESS_PURPOSE)
    with watch_statements() as seen:
        for token in forged_headers(claims, key).values():
            await who(visit().with_token(token))
    assert seen == []


async def test_each_secret_is_good_for_what_it_is_and_nothing_else(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    browser, email = visit(), new_email()
    made = await sign_up(browser, email=email)
    await enable(browser)
    async with runtime.database.unit() as unit:
        link = await mint_password_reset(unit, settings=runtime.settings, user_id=made["user"]["id"])
    secrets = {
        "cookie": browser.inner.cookies[COOKIE],
        "refresh": made["refresh_token"],
        "pending": await begin(visit(), email),
        "link": link.url.partition("token=")[2],
        "session id": claims_of(made)["sid"],
        "user id": made["user"]["id"],
    }
    bearers = {
        "access": made["access_token"],
        "token": cast.owner.token,
        "key": await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme),
    }
    for name, secret in {**secrets, **bearers}.items():
        by_header = await visit().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {secret}"})
        by_key = await visit().get("/api/v1/auth/me", headers={"X-Api-Key": secret})
        by_cookie = await visit().get("/api/v1/auth/me", headers={"Cookie": f"{COOKIE}={secret}"})
        opened = [answer.status_code == 200 for answer in (by_header, by_key, by_cookie)]
        assert opened == [name in bearers, name in bearers, name == "cookie"], name


async def test_a_refresh_token_is_exchanged_and_nothing_else_is(visit: Visit, cast: Cast) -> None:
    browser = visit()
    made = await sign_up(browser)
    for wrong in (made["access_token"][:200], cast.owner.token, browser.inner.cookies[COOKIE]):
        answered = await visit().post("/api/v1/auth/refresh", json={"refresh_token": wrong})
        assert refusal(answered) == (401, "refresh_token_invalid")


async def test_a_header_is_not_joined_with_another(client: Client, cast: Cast) -> None:
    """Of two credentials one counts, and it is the one that a browser does not send by itself."""
    both = {"Authorization": "Bearer nonsense", "X-Api-Key": cast.owner.token}
    assert refusal(await client.get("/api/v1/auth/me", headers=both)) == UNAUTHORIZED


async def test_what_was_right_once_is_not_right_for_ever(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    program = visit().with_token(made["access_token"])
    cookie = {"Cookie": f"{COOKIE}={browser.inner.cookies[COOKIE]}"}
    assert (await browser.post("/api/v1/auth/logout")).status_code == 200
    assert refusal(await who(program)) == UNAUTHORIZED
    assert refusal(await visit().get("/api/v1/auth/me", headers=cookie)) == UNAUTHORIZED
    with clock.travel(to=clock.now() + timedelta(days=400)):
        assert refusal(await visit().get("/api/v1/auth/me", headers=cookie)) == UNAUTHORIZED
