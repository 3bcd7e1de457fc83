"""Nothing private is ever connected to: the listener, which counts connections, is the witness."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from fostr.kernel.outbound import Outbound, Redirects, open_outbound
from fostr.kernel.outbound.addresses import PRIVATE_NETWORKS, AddressPolicy
from fostr.kernel.outbound.errors import AddressRefused, OutboundFailed, OutboundTimeout, RedirectRefused
from fostr.settings import Settings
from tests.kernel.outbound.servers import Exchange, Listener, closed_port, listen, listen_twice

ONLY_TWO = AddressPolicy((ip_network("127.0.0.2/32"),))


class Names:
    """A resolver whose answers change with every question, as a rebinding attacker's do."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert port > 0
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listen() as opened:
        yield opened


@pytest.fixture
async def guarded() -> AsyncIterator[Outbound]:
    outbound = Outbound(AddressPolicy())
    yield outbound
    await outbound.close()


async def _refused(outbound: Outbound, url: str) -> AddressRefused:
    with pytest.raises(AddressRefused) as on_check:
        await outbound.check_url(url)
    with pytest.raises(AddressRefused) as on_fetch:
        await outbound.fetch(url)
    assert (on_fetch.value.status, on_fetch.value.code) == (422, "address_not_allowed")
    assert (on_fetch.value.sentence, on_fetch.value.fields) == (on_check.value.sentence, {})
    return on_fetch.value


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "0.0.0.0",  # noqa: S104 - fetched, not bound
        "0",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "224.0.0.1",
    ],
)
async def test_private_host_is_refused_without_a_connection(guarded: Outbound, listener: Listener, host: str) -> None:
    await _refused(guarded, f"http://{host}:{listener.port}/")
    assert listener.connections == 0


async def test_listener_is_reached_when_the_operator_allows_it(listener: Listener, tmp_path: Path) -> None:
    outbound = open_outbound(Settings(environment="test", data=tmp_path, allow_private_addresses=True))
    await outbound.check_url(listener.url)
    assert listener.connections == 0
    fetched = await outbound.fetch(listener.url)
    assert (fetched.status, fetched.content, fetched.url) == (200, b"hello", listener.url)
    assert (await outbound.fetch(f"http://localhost:{listener.port}/")).content == b"hello"
    assert listener.connections == 2
    with pytest.raises(AddressRefused):
        await outbound.fetch("http://169.254.169.254/latest/meta-data/")
    await outbound.close()


async def test_settings_refuse_private_addresses_unless_told_otherwise(listener: Listener, tmp_path: Path) -> None:
    outbound = open_outbound(Settings(environment="test", data=tmp_path))
    await _refused(outbound, listener.url)
    assert listener.connections == 0
    await outbound.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://",
        "http:///path",
        "http://a b/",
        "http://[::1/",
        "http://user:secret@example.org/",
        "http://example.org:99999/",
        "http://example.org\n/",
        "javascript:alert(1)",
    ],
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    names = Names(["93.184.216.34"])
    outbound = Outbound(AddressPolicy(), resolver=names)
    if url == "http://a b/":
        outbound = Outbound(AddressPolicy(), resolver=Names([]))
    await _refused(outbound, url)
    assert names.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2606:4700::1111", "::1"],
        ["93.184.216.34", "169.254.169.254"],
        ["fe80::1%lo"],
        [],
    ],
)
async def test_name_with_any_private_address_is_refused(listener: Listener, answer: list[str]) -> None:
    await _refused(Outbound(AddressPolicy(), resolver=Names(answer)), f"http://name.test:{listener.port}/")
    assert listener.connections == 0


async def test_name_that_does_not_exist_looks_like_one_that_leads_inside() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    missing = await _refused(Outbound(AddressPolicy(), resolver=unknown), "http://nothing.test/")
    inside = await _refused(Outbound(AddressPolicy(), resolver=Names(["10.0.0.7"])), "http://inside.test/")
    assert str(missing) == str(inside)


async def test_open_and_closed_private_ports_look_the_same(guarded: Outbound, listener: Listener) -> None:
    with closed_port() as port:
        closed = await _refused(guarded, f"http://127.0.0.1:{port}/")
    opened = await _refused(guarded, listener.url)
    assert str(closed) == str(opened)
    assert listener.connections == 0


async def test_name_is_looked_up_once_and_its_checked_address_connected_to() -> None:
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with listen_twice() as (allowed, inside):
        outbound = Outbound(ONLY_TWO, resolver=names)
        fetched = await outbound.fetch(f"http://name.test:{allowed.port}/path?q=1")
        assert fetched.content == b"hello"
        assert names.asked == ["name.test"]
        assert f"\r\nhost: name.test:{allowed.port}\r\n" in allowed.requests[0].lower()
        assert allowed.requests[0].startswith("GET /path?q=1 HTTP/1.1\r\n")

        # The name has moved inside by now: the next connection is judged anew.
        with pytest.raises(AddressRefused):
            await outbound.fetch(f"http://name.test:{allowed.port}/")
        assert (allowed.connections, inside.connections) == (1, 0)
        await outbound.close()


async def test_name_that_moves_inside_between_check_and_fetch_is_refused(listener: Listener) -> None:
    outbound = Outbound(ONLY_TWO, resolver=Names(["127.0.0.2"], ["127.0.0.1"]))
    await outbound.check_url(f"http://name.test:{listener.port}/")
    with pytest.raises(AddressRefused):
        await outbound.fetch(f"http://name.test:{listener.port}/")
    assert listener.connections == 0


async def test_second_address_is_tried_when_the_first_does_not_answer() -> None:
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    async with listen(host="127.0.0.3") as third:
        outbound = Outbound(policy, resolver=Names(["127.0.0.4", "127.0.0.3"]))
        assert (await outbound.fetch(f"http://name.test:{third.port}/")).content == b"hello"
        await outbound.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_the_answer_unless_following_was_asked_for(status: int) -> None:
    async with listen() as inside:

        async def send_inside(exchange: Exchange) -> None:
            await exchange.answer(status, headers={"Location": inside.url})

        async with listen(send_inside, host="127.0.0.2") as outside:
            outbound = Outbound(ONLY_TWO)
            fetched = await outbound.fetch(outside.url)
            assert (fetched.status, fetched.headers["location"]) == (status, inside.url)
            with pytest.raises(RedirectRefused):
                await outbound.fetch(outside.url, redirects=Redirects.SAME_HOST)
            assert (outside.connections, inside.connections) == (2, 0)
            await outbound.close()


async def test_redirect_within_a_name_that_moved_inside_is_refused() -> None:
    async def send_on(exchange: Exchange) -> None:
        await exchange.answer(302, headers={"Location": "/next"})

    async with listen_twice(send_on) as (outside, inside):
        outbound = Outbound(ONLY_TWO, resolver=Names(["127.0.0.2"], ["127.0.0.1"]))
        with pytest.raises(AddressRefused):
            await outbound.fetch(f"http://name.test:{outside.port}/", redirects=Redirects.SAME_HOST)
        assert (outside.connections, inside.connections) == (1, 0)
        await outbound.close()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_proxy_of_the_environment_is_never_used(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    async with listen() as proxy, listen(host="127.0.0.2") as target:
        monkeypatch.setenv(variable, proxy.url)
        outbound = Outbound(ONLY_TWO)
        assert (await outbound.fetch(target.url)).content == b"hello"
        assert (proxy.connections, target.connections) == (0, 1)
        await outbound.close()


async def test_unreachable_and_silent_and_nonsensical_servers_all_just_fail() -> None:
    async def nonsense(exchange: Exchange) -> None:
        exchange.writer.write(b"220 mail.inside ESMTP\r\n")
        await exchange.writer.drain()

    async def hang_up(exchange: Exchange) -> None:
        exchange.writer.close()

    outbound = Outbound(AddressPolicy(PRIVATE_NETWORKS))
    async with listen(nonsense) as mail, listen(hang_up) as silent:
        sentences: set[str] = set()
        with closed_port() as port:
            for url in (mail.url, silent.url, f"http://127.0.0.1:{port}/"):
                with pytest.raises(OutboundFailed) as failure:
                    await outbound.fetch(url)
                assert (failure.value.status, failure.value.code) == (502, "outbound_failed")
                sentences.add(str(failure.value))
    assert len(sentences) == 1
    await outbound.close()


async def test_a_name_is_asked_for_once_by_all_who_want_it_at_a_time(listener: Listener) -> None:
    asked: list[str] = []
    may_answer = asyncio.Event()

    async def hesitate(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        await may_answer.wait()
        return ["127.0.0.1"]

    outbound = Outbound(AddressPolicy(PRIVATE_NETWORKS), resolver=hesitate)
    url = f"http://name.test:{listener.port}/"
    with pytest.raises(OutboundTimeout):
        await outbound.fetch(url, seconds=0.05)
    fetching = [asyncio.create_task(outbound.fetch(url)) for _ in range(5)]
    await asyncio.sleep(0)
    may_answer.set()
    assert [(await one).content for one in fetching] == [b"hello"] * 5
    assert asked == ["name.test"]
    await outbound.check_url(url)
    assert asked == ["name.test"] * 2
    await outbound.close()


async def test_the_failure_of_a_look_up_is_that_of_all_who_wait_for_it() -> None:
    asked: list[str] = []

    async def unknown(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        await asyncio.sleep(0.01)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    outbound = Outbound(AddressPolicy(), resolver=unknown)
    refused = await asyncio.gather(
        *(outbound.check_url("http://nothing.test/") for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in refused] == [AddressRefused] * 3
    assert asked == ["nothing.test"]
    await outbound.close()


async def test_slow_name_server_counts_as_silence() -> None:
    async def slow(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return ["93.184.216.34"]

    outbound = Outbound(AddressPolicy(), resolver=slow)
    with pytest.raises(Exception, match="too long") as refusal:
        await outbound.fetch("http://slow.test/", seconds=0.2)
    assert getattr(refusal.value, "code", "") == "outbound_timeout"
    await outbound.close()
