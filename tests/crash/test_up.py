"""`fostr up`, for real: every process of it killed in turn, and the whole stopped in every way."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from fostr.supervisor.up import STOP_SECONDS
from tests.support.places import open_place
from tests.support.ports import choose_port

pytestmark = pytest.mark.slow

SMALL = Path(__file__).parent / "small.py"
PATIENCE = 60
"""Seconds until something that must happen counts as not happening; the machine may be busy."""


class Up:
    """A supervisor in a process of its own, with a terminal's ways of stopping it."""

    def __init__(self, data: Path, *, port: int = 0, command: Sequence[str | Path] = (SMALL, "up")) -> None:
        self.data = data
        self.said = data.parent / f"said-{time.monotonic_ns()}.txt"
        self.url = ""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FOSTR_")}
        kept.pop("DATABASE_URL", None)
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=said,
                stderr=subprocess.STDOUT,
                env={
                    **kept,
                    "FOSTR_DATA": str(data),
                    "FOSTR_PORT": str(port),
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
                process_group=0,
            )

    def __enter__(self) -> Self:
        self.await_answer()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            processes = self.family()
            self.kill()
            await_end(processes)

    def await_answer(self) -> None:
        """Return when the installation says where it is."""
        await_that(lambda: "Ctrl-C stops it" in self.text or self.process.poll() is not None)
        found = re.search(r"runs at (http://\S+)\. Ctrl-C", self.text)
        assert found, self.text
        self.url = found[1]

    @property
    def text(self) -> str:
        return self.said.read_text()

    def ask(self, path: str = "/") -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=PATIENCE) as answer:  # noqa: S310 - our own
            return json.load(answer)

    def visit(self) -> int:
        """Count one more visit, once the database is there; the number of all visits is answered."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("/visit")["visits"]
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether the API of Fostr answers, and reaches the database."""
        try:
            return self.ask("/api/v1/ready")["status"] == "ready"
        except OSError:
            return False

    @property
    def database(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def worker(self) -> int:
        file = self.data / "worker.pid"
        return int(file.read_text()) if file.exists() and file.read_text().endswith("\n") else 0

    def family(self) -> list[psutil.Process]:
        """Return the supervisor and everything below it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal to the whole group, as a terminal does, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def await_that(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def await_end(processes: list[psutil.Process]) -> None:
    """Fail unless all of them end; one that nobody has asked about yet has ended, too."""
    await_that(lambda: not [process for process in processes if is_alive(process)])


def is_api(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[-1:] == ["serve"]
    except psutil.Error:
        return False


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder."""
    with open_place() as place:
        yield place


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """The data folder of an installation that was started once, and stopped."""
    with open_place() as place:
        with Up(place / "data") as up:
            assert up.stop() == 0
        (up.data / "worker.pid").unlink(missing_ok=True)
        yield up.data


@pytest.fixture
def data(made: Path, place: Path) -> Path:
    """A copy of that folder, for one test to spoil."""
    subprocess.run(["cp", "-a", made, place / "data"], check=True)
    return place / "data"


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    """An installation that answers."""
    with Up(data) as up:
        yield up


@pytest.fixture(scope="module")
def lasting(made: Path) -> Iterator[Up]:
    """An installation for the tests after which it still answers."""
    with open_place() as place:
        subprocess.run(["cp", "-a", made, place / "data"], check=True)
        with Up(place / "data") as up:
            yield up
            assert up.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_everything(up: Up, number: signal.Signals) -> None:
    assert up.ask("/visit")["login"] == "fostr_app"
    await_that(lambda: up.worker)
    processes = up.family()
    assert len(processes) >= 4
    assert up.stop(number) == 0
    assert not [process for process in processes if is_alive(process)]
    assert not (up.data / "postgres" / "postmaster.pid").exists(), "the database was not shut down cleanly"
    assert "It is started again" not in up.text


def test_requests_are_finished_before_the_end(up: Up) -> None:
    host, port = up.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await_that((up.data / "slow").exists)
        assert up.stop() == 0
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_worker_that_does_not_stop_is_ended_in_a_hurry(up: Up) -> None:
    await_that(lambda: up.worker)
    stubborn = up.worker
    (up.data / "stubborn").touch()
    os.kill(stubborn, signal.SIGKILL)
    await_that(lambda: up.worker != stubborn and up.worker)
    processes = up.family()
    os.kill(up.process.pid, signal.SIGTERM)
    time.sleep(1)
    assert up.process.poll() is None
    began = time.monotonic()
    assert up.stop() == 0
    # What was patient with it would not be done yet.
    assert time.monotonic() - began < STOP_SECONDS - 2
    assert not [process for process in processes if is_alive(process)]


def test_api_that_is_killed_comes_back_and_no_request_is_refused(lasting: Up) -> None:
    answered = lasting.visit()
    killed = psutil.Process(lasting.ask()["process"])
    killed.kill()
    await_end([killed])
    # The supervisor holds the address: the request waits there for the next API.
    assert lasting.ask()["process"] != killed.pid
    assert lasting.visit() == answered + 1
    assert "The API was ended by SIGKILL. It is started again." in lasting.text


def test_worker_that_is_killed_comes_back(lasting: Up) -> None:
    await_that(lambda: lasting.worker)
    killed = lasting.worker
    os.kill(killed, signal.SIGKILL)
    await_that(lambda: lasting.worker != killed and lasting.worker)


def test_database_that_is_killed_comes_back_with_all_that_was_answered(lasting: Up) -> None:
    answered = lasting.visit()
    api = lasting.ask()["process"]
    for _ in range(2):
        killed = lasting.database
        os.kill(killed, signal.SIGKILL)
        answered += 1
        assert lasting.visit() == answered
        assert lasting.database != killed
    assert lasting.ask()["process"] == api


def test_second_up_on_a_folder_is_refused_and_does_no_harm(lasting: Up) -> None:
    answered = lasting.visit()
    second = Up(lasting.data)
    assert second.process.wait(PATIENCE) == 1
    assert f"already runs on the data folder {lasting.data} (process {lasting.process.pid})" in second.text
    assert lasting.visit() == answered + 1


def test_greeting_follows_the_address(lasting: Up) -> None:
    await_that(lambda: "Welcome." in lasting.text)
    assert lasting.text.index("runs at") < lasting.text.index("Welcome.")


def test_nothing_outlives_a_killed_supervisor(data: Path) -> None:
    port = choose_port()
    with Up(data, port=port) as up:
        answered = up.visit()
        await_that(lambda: up.worker)
        processes = up.family()
        up.kill()
    # At once, on the same port: nobody need wait for the end of the others.
    with Up(data, port=port) as again:
        await_end(processes)
        assert again.visit() == answered + 1
        assert again.stop() == 0


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, 0.8), (signal.SIGKILL, 0.3), (signal.SIGKILL, 1.2)],
)
def test_first_start_may_be_broken_off(place: Path, number: signal.Signals, moment: float) -> None:
    data = place / "data"
    broken = Up(data)
    await_that((data / "fostr.lock").exists)
    time.sleep(moment)
    processes = broken.family()
    code = broken.stop(number)
    assert code == (0 if number == signal.SIGINT else -signal.SIGKILL)
    await_end(processes)
    with Up(data) as up:
        assert up.visit() == 1
        assert up.stop() == 0


def test_port_in_use_is_said(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        up = Up(data, port=port)
        assert up.process.wait(PATIENCE) == 1
    assert f"Port {port} is in use by another program" in up.text
    assert f"FOSTR_PORT={port + 1}" in up.text


def test_api_that_does_not_start_ends_everything(data: Path) -> None:
    (data / "broken").touch()
    up = Up(data)
    assert up.process.wait(PATIENCE) == 1
    assert "The API did not start: it ended with exit code 3." in up.text
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_whole_product_starts_mends_itself_and_starts_again(place: Path) -> None:
    """The same with Fostr's own commands: API, worker, migrations, the first administrator's link."""
    with Up(place / "data", command=("-m", "fostr", "up")) as up:
        assert up.is_ready()
        shown = up.url.replace("127.0.0.1", "localhost")
        await_that(lambda: f"{shown}/setup#token=" in up.text)
        processes = up.family()
        for process in processes:
            if is_api(process) or process.pid == up.database:
                process.kill()
        await_that(up.is_ready)
        processes += up.family()
        assert up.stop() == 0
    assert not [process for process in processes if is_alive(process)]
    with Up(place / "data", command=("-m", "fostr", "up")) as again:
        assert again.is_ready()
        assert again.stop() == 0
