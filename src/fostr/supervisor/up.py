"""Start everything in the order that gets the first answer soonest, and keep it running until told to stop.

The API is started before anything else, even before our own settings are read, because its imports take
longest. The database starts and is prepared meanwhile. The worker comes after the API's first answer, because
it would take the processors from it.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from typing import Final

from fostr import __version__
from fostr.kernel.db.address import application_password, application_url
from fostr.kernel.db.embedded import EmbeddedServer, EmbeddedServerError
from fostr.settings import Settings
from fostr.supervisor.child import Child
from fostr.supervisor.commands import Commands
from fostr.supervisor.listening import listening_port, near_address, open_listener

STOP_SECONDS: Final = 15.0
"""How long the API and the worker may take to finish what they are doing."""

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""The pause before a process is started again doubles each time, unless it has lived that long."""


class UpError(Exception):
    """The installation did not come up; the text says why."""


async def run_up(settings: Settings, *, commands: Commands, api: Child, started: float) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP asks for the end.

    Args:
        settings: the operator's choices.
        commands: what to run.
        api: the API's process, already started and waiting for instructions.
        started: when this process began, by `time.monotonic()`.
    """
    with open_listener(settings) as listener:
        await Installation(settings, commands, api=api, listener=listener, started=started).run()


class Installation:
    """The processes of one installation."""

    def __init__(
        self, settings: Settings, commands: Commands, *, api: Child, listener: socket.socket, started: float
    ) -> None:
        """Describe the installation; nothing more is started yet."""
        self._settings = settings
        self._listener = listener
        self._started = started
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._database_ready = asyncio.Event()
        self._database_ended = asyncio.Event()
        uses_own = settings.database_url is None and settings.app_database_url is None
        self._server = EmbeddedServer(settings.data) if uses_own else None
        self._api = api
        self._worker = Child("The worker", commands.worker)
        self._prepare = Child("Preparing the database", commands.prepare)
        self._welcome = Child("The first administrator's link", commands.welcome)
        self._children = (self._api, self._worker, self._prepare, self._welcome)

    async def run(self) -> None:
        """Start everything, keep it running until a signal comes, and stop it."""
        self._watch_signals()
        life = asyncio.ensure_future(self._live())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((life, stopping), return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()
            self._say("Fostr stops.")
        finally:
            stopping.cancel()
            life.cancel()
            await asyncio.wait((life,))
            await self._stop()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._ask_to_stop)
        loop.add_signal_handler(signal.SIGTERM, self._ask_to_stop)
        # nohup has this one ignored from the start, and means it.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self._ask_to_stop)
        loop.add_signal_handler(signal.SIGCHLD, self._check_processes)
        # The API may have ended before anybody watched.
        self._check_processes()

    def _ask_to_stop(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def _check_processes(self) -> None:
        for child in self._children:
            child.check()
        if self._server and self._server.process and self._server.process.poll() is not None:
            self._database_ended.set()

    async def _live(self) -> None:
        if self._server:
            self._server.lock()
        self._instruct(self._api)
        self._mark("the API is instructed")
        if self._server:
            await self._server.start_in_loop()
            self._mark("the database answers")
        if self._admin_url():
            await self._prepare_database()
            self._mark("the database is prepared")
        self._database_ready.set()
        self._api.release()
        await self._await_first_answer()
        self._mark("the API answers")
        self._say(f"Fostr {__version__} runs at {self._shown_url()}. Ctrl-C stops it.")
        for child in (self._worker, self._welcome):
            child.start()
            self._instruct(child)
            child.release()
        keepers = [self._keep(self._api), self._keep(self._worker)]
        if self._server:
            keepers.append(self._keep_database(self._server))
        await asyncio.gather(*keepers)

    def _instruct(self, child: Child) -> None:
        listener = self._listener if child is self._api else None
        child.instruct(self._environment(app_database_url=self._application_url()), listener=listener)

    def _environment(self, *, database_url: str = "", app_database_url: str = "") -> dict[str, str]:
        """Return what a child is told; each is told only of the database login that it needs."""
        environment = {
            "FOSTR_DATA": str(self._settings.data),
            "DATABASE_URL": database_url,
            "FOSTR_APP_DATABASE_URL": app_database_url,
        }
        if self._port_was_chosen():
            environment["FOSTR_PORT"] = str(listening_port(self._listener))
        return environment

    def _port_was_chosen(self) -> bool:
        """Whether the public address follows from a port that nobody knew beforehand."""
        return self._settings.port == 0 and "public_url" not in self._settings.model_fields_set

    def _admin_url(self) -> str:
        if self._server:
            return self._server.url()
        return self._settings.database_url.get_secret_value() if self._settings.database_url else ""

    def _application_url(self) -> str:
        if self._settings.app_database_url:
            return self._settings.app_database_url.get_secret_value()
        password = application_password(self._settings.secret_key.get_secret_value())
        return application_url(self._admin_url(), password=password)

    async def _prepare_database(self) -> None:
        self._prepare.start()
        self._prepare.instruct(self._environment(database_url=self._admin_url()))
        await self._prepare.ended.wait()
        if not self._prepare.succeeded:
            raise UpError("The database could not be prepared.")

    async def _await_first_answer(self) -> None:
        answer = asyncio.ensure_future(self._ask_api())
        ended = asyncio.ensure_future(self._api.ended.wait())
        try:
            await asyncio.wait((answer, ended), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise UpError(f"The API did not start: it {self._api.ending}.")
        finally:
            answer.cancel()
            ended.cancel()

    async def _ask_api(self) -> None:
        """Return when the API has answered one request."""
        host, port = near_address(self._listener)
        while True:
            # The listener is open already, so the connection waits there until the API takes it.
            with contextlib.suppress(ConnectionError):
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.readline()
                writer.close()
                if answer.startswith(b"HTTP/1.1 "):
                    return
            await asyncio.sleep(0.05)

    async def _keep(self, child: Child) -> None:
        """Start the process again whenever it ends."""
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            await child.ended.wait()
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._say(f"{child.name} {child.ending}. It is started again.")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            child.start()
            self._instruct(child)
            await self._database_ready.wait()
            child.release()

    async def _keep_database(self, server: EmbeddedServer) -> None:
        """Start the database again whenever it ends; the others find it again by themselves."""
        pause = FIRST_PAUSE
        while True:
            await self._database_ended.wait()
            self._database_ready.clear()
            self._say("The database ended. It is started again.")
            try:
                await server.start_in_loop()
            except (EmbeddedServerError, OSError) as error:
                self._say(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._database_ended.clear()
            self._database_ready.set()
            self._check_processes()

    async def _stop(self) -> None:
        """Stop the API and the worker, then the database under them."""
        self._listener.close()
        await asyncio.gather(*(child.stop(seconds=STOP_SECONDS, hurry=self._hurry) for child in self._children))
        if self._server:
            self._server.stop()

    def _shown_url(self) -> str:
        if not self._port_was_chosen():
            return self._settings.public_url
        host, port = near_address(self._listener)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def _say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _mark(self, step: str) -> None:
        if self._settings.log_level == "debug":
            self._say(f"{time.monotonic() - self._started:7.3f} s  {step}")
