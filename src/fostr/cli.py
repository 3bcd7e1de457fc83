"""The command `fostr`. Each word imports what it needs as it runs: `fostr up` has no time for the others."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from fostr import __version__

if TYPE_CHECKING:
    from fostr.settings import Settings

STARTED: Final = time.monotonic()

ROOT: Final = Path(__file__).parents[2]
"""The folder of the repository, for the words that write into it."""

REQUESTS_SECONDS: Final = 5
"""How long requests that are being answered may take when the API is stopped."""

Command = Callable[[argparse.Namespace], int]


class CheckFailed(Exception):
    """Something is not as it should be; the text says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code: 0 done, 1 failed, 2 wrongly called or set up."""
    parsed = _parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        return command(parsed)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - raised again, unless it is an operator's business
        return _explain(error)


def _explain(error: Exception) -> int:
    """Print an error that an operator can do something about, and raise any other."""
    from fostr.kernel.db.embedded import EmbeddedServerError
    from fostr.settings import SettingsError
    from fostr.supervisor.database import DatabaseRefused
    from fostr.supervisor.listening import CannotListen
    from fostr.supervisor.up import UpError

    if isinstance(error, SettingsError):
        print(f"fostr: Some settings are wrong.\n{error}", file=sys.stderr)
        return 2
    known = (CheckFailed, EmbeddedServerError, DatabaseRefused, CannotListen, UpError, PermissionError)
    if not isinstance(error, known):
        raise error
    print(f"fostr: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fostr",
        description="One platform on which a company runs its work with AI.",
        epilog="Settings are environment variables: see docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"fostr {__version__}")
    words = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        word = words.add_parser(name, help=text, description=text)
        word.set_defaults(command=command)
        return word

    add("up", up, "Run everything on this machine: database, API, worker.")
    add("serve", serve, "Run the API alone.")
    add("worker", worker, "Run the worker alone.")
    quiet = "Say nothing when there is nothing to say."
    add("migrate", migrate, "Bring the database up to date.").add_argument("--quiet", action="store_true", help=quiet)
    add("setup-link", setup_link, "Print the link by which the first administrator is made.").add_argument(
        "--quiet", action="store_true", help=quiet
    )
    add("demo", demo, "Fill a workspace with example data.")
    check = "Change nothing; fail when the file is not up to date."
    add("openapi", openapi, "Write openapi.json from the code.").add_argument(
        "--check", action="store_true", help=check
    )
    add("settings", settings_page, "Write docs/settings.md from the code.").add_argument(
        "--check", action="store_true", help=check
    )
    add("revision", revision, "Write the migration that the tables in the code ask for.").add_argument(
        "-m", "--message", required=True, help="what it changes, in a few words"
    )
    add("check-migrations", check_migrations, "Fail when the migrations and the tables in the code differ.")
    return parser


def up(_: argparse.Namespace) -> int:
    from fostr.supervisor.child import Child
    from fostr.supervisor.commands import own_commands

    commands = own_commands()
    api = Child("The API", commands.serve)
    api.start()
    from fostr.settings import load_settings
    from fostr.supervisor.up import run_up

    asyncio.run(run_up(load_settings(), commands=commands, api=api, started=STARTED))
    return 0


def serve(_: argparse.Namespace) -> int:
    from fostr.supervisor.child import tie_to_supervisor

    tie = tie_to_supervisor()
    import uvicorn

    from fostr.app import create_app
    from fostr.kernel.process import allow_sockets, spare_collector
    from fostr.settings import load_settings
    from fostr.supervisor.database import application_database
    from fostr.supervisor.listening import open_listener
    from fostr.supervisor.serving import StreamingServer

    if tie:
        tie.await_instructions()
    settings = load_settings()
    with open_listener(settings) as listener, application_database(settings) as url:
        app = create_app(settings, database_url=url, lazily=True)
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=REQUESTS_SECONDS,
        )
        if tie:
            tie.await_database()
        spare_collector()
        allow_sockets()
        server = StreamingServer(config, app)
        # uvicorn ends itself by the signal that stopped it, once it has stopped; to be stopped is no failure.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _take_note)
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _take_note(_: int, __: FrameType | None) -> None:
    pass


def worker(_: argparse.Namespace) -> int:
    from fostr.supervisor.child import tie_to_supervisor

    tie = tie_to_supervisor()
    from fostr.kernel.jobs.worker import run_worker
    from fostr.settings import load_settings
    from fostr.supervisor.database import application_database, explained_refusals

    if tie:
        tie.await_instructions()
    settings = load_settings()
    with application_database(settings) as url, explained_refusals():
        if tie:
            tie.await_database()
        _run_until_stopped(lambda stop: run_worker(settings, database_url=url, stop=stop))
    return 0


def _run_until_stopped(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    import uvloop

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(stop)

    uvloop.run(run())


def migrate(arguments: argparse.Namespace) -> int:
    from fostr.supervisor.child import tie_to_supervisor

    tie = tie_to_supervisor()
    from fostr.settings import load_settings
    from fostr.supervisor.database import admin_database, prepare

    if tie:
        tie.await_instructions()
    settings = load_settings()
    with admin_database(settings) as admin_url:
        prepare(settings, admin_url=admin_url)
    if not arguments.quiet:
        print("The database is up to date.")
    return 0


def setup_link(arguments: argparse.Namespace) -> int:
    from fostr.supervisor.child import tie_to_supervisor

    tie = tie_to_supervisor()
    from fostr.settings import load_settings
    from fostr.supervisor.database import application_database

    if tie:
        tie.await_instructions()
    settings = load_settings()
    with application_database(settings) as url:
        link = asyncio.run(_find_setup_link(settings, url=url))
    if link:
        print(f"Make the first administrator here; the link works once: {link}")
    elif not arguments.quiet:
        print("There is an administrator already.")
    return 0


async def _find_setup_link(settings: "Settings", *, url: str) -> str | None:
    from fostr.domains.identity.public import ensure_setup_link
    from fostr.kernel.db.database import open_database

    database = await open_database(url, min_size=1, max_size=1)
    try:
        return await ensure_setup_link(database, public_url=settings.public_url)
    finally:
        await database.close()


def demo(_: argparse.Namespace) -> int:
    from fostr.demo import main as fill

    return fill()


def openapi(arguments: argparse.Namespace) -> int:
    from pydantic import SecretStr

    from fostr.app import create_app
    from fostr.kernel.http.document import NAME, build_openapi, render_openapi
    from fostr.settings import SECRET_KEY_LENGTH, Settings

    # The document says nothing of an installation; a secret of its own keeps it from making a data folder.
    settings = Settings(secret_key=SecretStr("-" * SECRET_KEY_LENGTH), log_level="warning")
    document = build_openapi(create_app(settings))
    return _write(ROOT / NAME, render_openapi(document), check=arguments.check)


def settings_page(arguments: argparse.Namespace) -> int:
    from fostr.settings import describe_settings

    return _write(ROOT / "docs" / "settings.md", describe_settings().encode(), check=arguments.check)


def _write(path: Path, content: bytes, *, check: bool) -> int:
    fresh = path.exists() and path.read_bytes() == content
    if check and not fresh:
        raise CheckFailed(f"{path} is not what the code says. Write it anew, and look at what changed.")
    if not fresh:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        print(f"{path} was written.")
    return 0


def revision(arguments: argparse.Namespace) -> int:
    from fostr.kernel.db.migrate import create_revision, migrate_scratch
    from fostr.supervisor.database import scratch_database

    with scratch_database() as admin_url:
        asyncio.run(migrate_scratch(admin_url))
        asyncio.run(create_revision(admin_url, message=arguments.message))
    return 0


def check_migrations(_: argparse.Namespace) -> int:
    from fostr.kernel.db.migrate import list_differences, migrate_scratch
    from fostr.supervisor.database import scratch_database

    with scratch_database() as admin_url:
        asyncio.run(migrate_scratch(admin_url))
        differences = asyncio.run(list_differences(admin_url))
    if differences:
        raise CheckFailed("\n".join(("The migrations and the tables in the code differ:", *differences)))
    return 0
