"""A small installation in the place of Fostr's own: `up` over commands that answer, count, stop, and no more.

python small.py up|serve|worker|prepare|welcome
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import asyncpg

from fostr.kernel.db.address import APPLICATION
from fostr.kernel.db.embedded import EmbeddedServerError
from fostr.settings import load_settings
from fostr.supervisor.child import Child, tie_to_supervisor
from fostr.supervisor.commands import Commands
from fostr.supervisor.listening import CannotListen, open_listener
from fostr.supervisor.up import UpError, run_up

STARTED: Final = time.monotonic()

Message = MutableMapping[str, Any]


def up() -> int:
    """Run the supervisor over the other words of this file."""
    this = (sys.executable, __file__)
    commands = Commands(
        serve=(*this, "serve"),
        worker=(*this, "worker"),
        prepare=(*this, "prepare"),
        welcome=(*this, "welcome"),
    )
    api = Child("The API", commands.serve)
    api.start()
    try:
        asyncio.run(run_up(load_settings(), commands=commands, api=api, started=STARTED))
    except (UpError, CannotListen, EmbeddedServerError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def prepare() -> None:
    """Make the application's login, and a table that counts."""
    tie = tie_to_supervisor()
    assert tie is not None
    tie.await_instructions()
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(
        f"""
        do $$ begin
            if to_regrole('{APPLICATION}') is null then create role {APPLICATION} login; end if;
        end $$;
        create table if not exists visit (id bigint generated always as identity);
        grant select, insert on visit to {APPLICATION};
        """
    )
    await connection.close()


async def answer(
    scope: Message, _: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Say who we are; `/visit` writes a row first, `/slow` leaves a file and takes its time."""
    facts: dict[str, Any] = {"process": os.getpid()}
    if scope["path"] == "/slow":
        await asyncio.to_thread((load_settings().data / "slow").touch)
        await asyncio.sleep(0.5)
    if scope["path"] == "/visit":
        connection = await asyncpg.connect(os.environ["FOSTR_APP_DATABASE_URL"])
        try:
            await connection.execute("insert into visit default values")
            facts["visits"] = await connection.fetchval("select count(*) from visit")
            facts["login"] = await connection.fetchval("select current_user")
        finally:
            await connection.close()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/json")]})
    await send({"type": "http.response.body", "body": json.dumps(facts).encode()})


def serve() -> int:
    """Answer requests, unless a file says that the API is broken."""
    import uvicorn

    tie = tie_to_supervisor()
    assert tie is not None
    tie.await_instructions()
    settings = load_settings()
    if (settings.data / "broken").exists():
        return 3
    listener = open_listener(settings)
    tie.await_database()
    config = uvicorn.Config(answer, log_config=None, access_log=False, lifespan="off", ws="none")
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def worker() -> int:
    """Leave our process number in a file; where another file says so, refuse to stop."""
    tie = tie_to_supervisor()
    assert tie is not None
    tie.await_instructions()
    tie.await_database()
    data = Path(os.environ["FOSTR_DATA"])
    if (data / "stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (data / "worker.pid").write_text(f"{os.getpid()}\n")
    while True:
        signal.pause()


def welcome() -> int:
    """Greet."""
    sys.stdout.write("Welcome.\n")
    return 0


if __name__ == "__main__":
    words: dict[str, Callable[[], int | None]] = {
        "up": up,
        "serve": serve,
        "worker": worker,
        "prepare": lambda: asyncio.run(prepare()),
        "welcome": welcome,
    }
    sys.exit(words[sys.argv[1]]())
