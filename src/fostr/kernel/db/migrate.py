"""Bring a database to the state that this version of the code needs.

Roles, extensions and schemas, then Alembic's migrations, the job queue's own tables, and the views of the floor.
All of it happens under one advisory lock, so that any number of processes may start at once; when nothing is to be
done, one comparison says so.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING, Final

import asyncpg

from fostr.kernel.db import floor
from fostr.kernel.db.address import application_url
from fostr.kernel.db.tables import CONTROL, DATA
from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from alembic.config import Config
    from sqlalchemy.engine import Connection as SyncConnection
    from sqlalchemy.ext.asyncio import AsyncConnection

LOCK: Final = 0x666F737472
"""Key of the advisory lock under which a database is prepared."""

EXTENSIONS: Final = ("btree_gist", "btree_gin")


def import_tables() -> None:
    """Import every `tables` module of the kernel and the domains, so that the metadata is whole."""
    import_modules("tables")


def wanted_state() -> str:
    """Return a digest of everything that preparing a database depends on."""
    import_tables()
    digest = hashlib.sha256()
    for statement in floor.floor_statements():
        digest.update(statement.encode())
    versions = resources.files("fostr.migrations") / "versions"
    for version in sorted(versions.iterdir(), key=lambda path: path.name):
        if version.name.endswith(".py"):
            digest.update(version.read_bytes())
    return digest.hexdigest()


async def prepare_database(admin_url: str, *, application_password: str) -> str:
    """Create or upgrade everything in the database, and return the address for the application's login.

    Args:
        admin_url: address with a login that may create schemas, and roles unless `fostr_app` exists.
        application_password: the password that `fostr_app` is given.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await _prepare_roles(connection, application_password)
        state = wanted_state()
        if await _recorded_state(connection) != state:
            await _prepare_schemas(connection)
            await _become_owner(connection)
            await run_migrations(admin_url)
            await _install_queue(connection)
            await _rebuild_floor(connection, state)
    finally:
        await connection.close()
    return application_url(admin_url, password=application_password)


async def _prepare_roles(connection: asyncpg.Connection[asyncpg.Record], password: str) -> None:
    existing = {r["rolname"] for r in await connection.fetch("select rolname from pg_roles where rolname ~ '^fostr_'")}
    may_create = await connection.fetchval(
        "select rolsuper or rolcreaterole from pg_roles where rolname = current_user",
    )
    if not may_create:
        return
    if floor.OWNER not in existing:
        await connection.execute(f"create role {floor.OWNER} nologin")
        await connection.execute(f"grant {floor.OWNER} to current_user")
    if floor.APPLICATION not in existing:
        await connection.execute(f"create role {floor.APPLICATION} login noinherit")
    quoted = await connection.fetchval("select quote_literal($1::text)", password)
    await connection.execute(f"alter role {floor.APPLICATION} login password {quoted}")


async def _recorded_state(connection: asyncpg.Connection[asyncpg.Record]) -> str | None:
    if await connection.fetchval("select to_regclass('control.installation')") is None:
        return None
    return await connection.fetchval("select value from control.installation where key = 'state'")


async def _owner_name(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    """Return the role that owns the schemas: ours, or the login itself where it may not become ours."""
    member = await connection.fetchval(
        "select coalesce(bool_or(pg_has_role(current_user, oid, 'member')), false) from pg_roles where rolname = $1",
        floor.OWNER,
    )
    return floor.OWNER if member else await connection.fetchval("select quote_ident(current_user)")


async def _prepare_schemas(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    database = await connection.fetchval("select quote_ident(current_database())")
    owner = await _owner_name(connection)
    for extension in EXTENSIONS:
        await connection.execute(f"create extension if not exists {extension} with schema public")
    await connection.execute(
        f"grant create, temporary, connect on database {database} to {owner};"
        f"grant temporary, connect on database {database} to {floor.APPLICATION};"
        f"alter role {floor.APPLICATION} in database {database} set search_path = {floor.VIEWS}, {CONTROL}",
    )
    for schema in (DATA, CONTROL, floor.VIEWS):
        await connection.execute(f"create schema if not exists {schema} authorization {owner}")


async def _become_owner(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(f"set role {await _owner_name(connection)}")


async def _install_queue(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    from fostr.kernel.jobs.queue import install_queue

    await install_queue(connection)


async def _rebuild_floor(connection: asyncpg.Connection[asyncpg.Record], state: str) -> None:
    async with connection.transaction():
        for statement in floor.floor_statements():
            await connection.execute(statement)
        await connection.execute(
            "insert into control.installation (key, value) values ('state', $1)"
            " on conflict (key) do update set value = excluded.value",
            state,
        )


async def migrate_scratch(admin_url: str) -> None:
    """Bring an empty database to the newest migration, for comparing it with what the code declares.

    The floor is left out: it has a view for every declared table, and the newest of those may have no migration yet.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        await _prepare_roles(connection, secrets.token_urlsafe())
        await _prepare_schemas(connection)
    finally:
        await connection.close()
    await run_migrations(admin_url)


async def run_migrations(admin_url: str) -> None:
    """Run Alembic's migrations up to the newest, as the owner of the schemas."""
    from alembic import command

    async with _alembic_connection(admin_url) as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))
        await connection.commit()


async def create_revision(admin_url: str, *, message: str) -> None:
    """Write a migration that takes the database to what the `tables` modules declare."""
    from alembic import command

    async with _alembic_connection(admin_url) as connection:
        await connection.run_sync(
            lambda sync: command.revision(alembic_config(sync), message=message, autogenerate=True),
        )


async def list_differences(admin_url: str) -> list[str]:
    """Return what the `tables` modules declare and the migrations lack, or the other way round."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from fostr.kernel.db.comparison import COMPARISON

    def compare(sync: SyncConnection) -> list[str]:
        from fostr.kernel.db.tables import metadata

        context = MigrationContext.configure(sync, opts=dict(COMPARISON))
        return [repr(difference) for difference in compare_metadata(context, metadata)]

    import_tables()
    async with _alembic_connection(admin_url) as connection:
        return await connection.run_sync(compare)


@asynccontextmanager
async def _alembic_connection(admin_url: str) -> AsyncGenerator[AsyncConnection]:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    import_tables()
    # The address goes to asyncpg as it is: SQLAlchemy's own reading of it knows no socket folders.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(admin_url),
    )
    try:
        async with engine.connect() as connection:
            admin = await asyncpg.connect(admin_url)
            try:
                owner = await _owner_name(admin)
            finally:
                await admin.close()
            await connection.execute(text(f"set role {owner}"))
            await connection.commit()
            yield connection
    finally:
        await engine.dispose()


def alembic_config(connection: SyncConnection) -> Config:
    """Return Alembic's configuration, bound to an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("fostr.migrations")))
    config.attributes["connection"] = connection
    return config
