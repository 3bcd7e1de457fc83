"""A server on a socket that speaks as WhatsApp's Cloud API does, and what it was asked to send."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Generator

    from fostr.kernel.runtime import Runtime

TOKEN: Final = "EAAG-whatsapp-secret"
NUMBER_ID: Final = "106540352242922"
LONGEST: Final = 1024
"""Of a text parameter, as WhatsApp documents it."""


@dataclass
class Graph:
    """The account that the server has.

    Attributes:
        sent: the messages that it took.
        answers: what it says to the next messages, as status and body, before it takes all again; None breaks the
            connection.
        asked: how often it was asked.
    """

    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    answers: list[tuple[int, dict[str, Any]] | None] = field(default_factory=list[tuple[int, dict[str, Any]] | None])
    asked: int = 0

    def take(self, path: str, authorization: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Return the answer to a message."""
        self.asked += 1
        if self.answers:
            return self.answers.pop(0)
        if authorization != f"Bearer {TOKEN}":
            return 401, error(190, "Invalid OAuth access token.")
        if path != f"/v23.0/{NUMBER_ID}/messages":
            return 400, error(100, "Unsupported post request.")
        if (fault := find_fault(body)) is not None:
            return 400, fault
        self.sent.append(body)
        contacts = [{"input": body["to"], "wa_id": body["to"]}]
        messages = [{"id": f"wamid.{len(self.sent)}", "message_status": "accepted"}]
        return 200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": messages}

    @property
    def texts(self) -> list[list[str]]:
        """The parameters of each message that was taken."""
        return [[one["text"] for one in message["template"]["components"][0]["parameters"]] for message in self.sent]


def error(code: int, message: str) -> dict[str, Any]:
    """Return the body of a refusal."""
    return {"error": {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}}


def find_fault(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return how a message is refused that is not as the documentation has it."""
    template = body.get("template", {})
    parameters = [one for part in template.get("components", []) for one in part["parameters"]]
    if (
        body.get("messaging_product") != "whatsapp"
        or body.get("type") != "template"
        or "code" not in template["language"]
    ):
        return error(100, "Invalid parameter")
    if not str(body.get("to", "")).isdigit():
        return error(131009, "Parameter value is not valid")
    if len(parameters) != 2:
        return error(132000, "Number of parameters does not match the expected number of params")
    for one in parameters:
        text = one["text"]
        if not text or len(text) > LONGEST or "\n" in text or "\t" in text or "     " in text:
            return error(132018, "There is an issue with the parameters in your template")
    return None


@contextmanager
def serve_graph(graph: Graph) -> Generator[str]:
    """Serve the account on a free port of this machine; yields the address of the API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = graph.take(self.path, self.headers.get("Authorization", ""), body)
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v23.0"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_whatsapp(runtime: Runtime, url: str, *, token: str = TOKEN) -> Runtime:
    """Return the same open parts, with a WhatsApp account set."""
    chosen = {"whatsapp_token": SecretStr(token), "whatsapp_phone_number_id": NUMBER_ID, "whatsapp_url": url}
    return replace(runtime, settings=runtime.settings.model_copy(update=chosen))
