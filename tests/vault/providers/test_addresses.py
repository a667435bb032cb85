"""However an address is spelled, it leads nowhere that was not allowed: counted at a socket that listens there."""

import contextlib
import ipaddress
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from tests.vault.providers.rawserver import RawServer, response
from vault.providers import addresses
from vault.providers.addresses import CallRefused, NoAddress, check_ip
from vault.providers.base import AddressRules, Transient
from vault.providers.web import Purpose, Web

pytestmark = pytest.mark.no_database

_attempts: list[object] = []
_watching: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event == "socket.connect":
        _attempts.append(arguments[1])


sys.addaudithook(_hook)


@contextlib.contextmanager
def watched() -> Iterator[list[object]]:
    """Every address that this process tries to connect to."""
    _attempts.clear()
    _watching.append(True)
    try:
        yield _attempts
    finally:
        _watching.clear()


@pytest.fixture(scope="module")
def listener() -> Iterator[RawServer]:
    """What would answer on this machine."""
    with RawServer(response(b"{}")) as server:
        yield server


# {port} is where something listens on this machine.
SPELLINGS = [
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://127.000.000.001:{port}/",
    "https://127.8.9.10:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::1]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:7f00:1::]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fc00::1]:{port}/",
    "https://[fec0::1]:{port}/",
    "https://[ff02::1]:{port}/",
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:{port}/",
    "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "https://127\u30020\u30020\u30021:{port}/",
    "https://ca.example.com@127.0.0.1:{port}/",
    "https://ca.example.com:secret@localhost:{port}/",
    "https://127.0.0.1:{port}\\@ca.example.com/",
    "https://ca.example.com\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@ca.example.com/",
    " https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\n",
    "https:\t//127.0.0.1:{port}/",
    "https:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://127.0.0.1:0/",
    "https://127.0.0.1:99999/",
    "https:///path",
    "https://",
    "",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_leads_to_this_machine_or_a_private_network(spelling: str, listener: RawServer) -> None:
    web = Web(title="Example CA", base=spelling.format(port=listener.port), rules=AddressRules())

    with watched() as attempts, pytest.raises(Transient):
        web.call("GET", "", purpose=Purpose.READ)

    assert attempts == []
    assert listener.connections == 0


@pytest.mark.parametrize("spelling", [one for one in SPELLINGS if "{port}" in one])
def test_an_address_that_a_ca_names_is_looked_at_like_any_other(spelling: str, listener: RawServer) -> None:
    web = Web(title="Example CA", base="https://192.0.2.1/", rules=AddressRules(), anywhere=True)

    with watched() as attempts, pytest.raises(Transient):
        web.call("POST", spelling.format(port=listener.port), purpose=Purpose.ORDER)

    assert attempts == []
    assert listener.connections == 0


def test_what_listens_here_is_reached_when_this_machine_is_allowed() -> None:
    with RawServer(response(b"{}")) as server:
        web = Web(title="Example CA", base=f"http://127.0.0.1:{server.port}", rules=AddressRules(loopback=True))

        web.call("GET", "", purpose=Purpose.READ)

        assert server.connections == 1


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_public_addresses_may_be_called(address: str) -> None:
    check_ip(ipaddress.ip_address(address), AddressRules(), host="ca.example.com", plain=False)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::5"])
def test_private_addresses_may_be_called_when_their_network_is_listed(address: str) -> None:
    rules = AddressRules(networks=("10.0.0.0/8", "fd00::/8"))

    check_ip(ipaddress.ip_address(address), rules, host="ca.example.com", plain=False)

    with pytest.raises(CallRefused, match="CHANCERY_CA_NETWORKS"):
        check_ip(ipaddress.ip_address(address), AddressRules(networks=("10.9.0.0/16",)), host="ca", plain=False)
    with pytest.raises(CallRefused, match="without encryption"):
        check_ip(ipaddress.ip_address(address), rules, host="ca.example.com", plain=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1"])
def test_listing_every_network_opens_neither_this_machine_nor_groups(address: str) -> None:
    rules = AddressRules(networks=("0.0.0.0/0", "::/0"))

    with pytest.raises(CallRefused):
        check_ip(ipaddress.ip_address(address), rules, host="ca.example.com", plain=False)


def test_a_name_with_one_private_address_among_public_ones_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_names(monkeypatch, [["93.184.216.34", "10.0.0.1"]])
    web = Web(title="Example CA", base="https://ca.example.com", rules=AddressRules())

    with watched() as attempts, pytest.raises(CallRefused, match=r"“ca\.example\.com” leads to 10\.0\.0\.1"):
        web.call("GET", "", purpose=Purpose.READ)

    assert attempts == []


def test_a_name_is_looked_up_once_and_that_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(response(b"{}")) as server:
        asked = answer_names(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])
        web = Web(title="CA", base=f"http://ca.example.com:{server.port}", rules=AddressRules(loopback=True))

        with watched() as attempts:
            web.call("GET", "", purpose=Purpose.READ)
            web.call("GET", "", purpose=Purpose.READ)

        assert attempts == [("127.0.0.1", server.port)]
        assert asked == ["ca.example.com"]
        with pytest.raises(CallRefused):  # a connection of its own: the name leads elsewhere by now
            web.call("POST", "", purpose=Purpose.ORDER)
        assert server.connections == 1


def test_a_second_address_is_tried_when_the_first_does_not_answer() -> None:
    with RawServer(response(b"{}")) as server:  # on 127.0.0.1 alone, while the name has ::1 too
        web = Web(title="CA", base=f"http://localhost:{server.port}", rules=AddressRules(loopback=True))

        assert web.call("GET", "", purpose=Purpose.READ).status == 200


def test_plain_http_goes_to_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_names(monkeypatch, [["93.184.216.34"]])
    web = Web(title="CA", base="http://ca.example.com", rules=AddressRules(loopback=True, networks=("10.0.0.0/8",)))

    with watched() as attempts, pytest.raises(CallRefused, match="without encryption"):
        web.call("GET", "", purpose=Purpose.READ)

    assert attempts == []


@pytest.mark.parametrize(
    "path",
    [
        "https://127.0.0.1:{other}/x",
        "http://127.0.0.1:{other}/x",
        "https://localhost:{port}/",
        "http://localhost:{port}/",
    ],
)
def test_an_address_on_another_server_is_not_called(path: str) -> None:
    with RawServer(response(b"{}")) as server, RawServer(response(b"{}")) as other:
        web = Web(title="Example CA", base=f"http://127.0.0.1:{server.port}/v1", rules=AddressRules(loopback=True))

        with pytest.raises(CallRefused, match="another server"):
            web.call("GET", path.format(port=server.port, other=other.port), purpose=Purpose.READ)

        assert server.connections == other.connections == 0


def test_a_full_address_on_the_same_server_is_called() -> None:
    with RawServer(response(b"{}")) as server:
        web = Web(title="Example CA", base=f"http://127.0.0.1:{server.port}/v1", rules=AddressRules(loopback=True))

        web.call("GET", f"http://127.0.0.1:{server.port}/other?a=b", purpose=Purpose.READ)

        assert server.received.startswith(b"GET /other?a=b HTTP/1.1")


def test_redirects_are_not_followed() -> None:
    with RawServer(response(b"{}")) as target:
        moved = response(b"", f"Location: {target.address}/", status="302 Found")
        with RawServer(moved) as server:
            web = Web(title="CA", base=server.address, rules=AddressRules(loopback=True), headers={"X-Key": "canary"})

            with pytest.raises(Transient, match="HTTP 302"):
                web.call("GET", "", purpose=Purpose.READ)

        assert target.connections == 0


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(response(b"{}")) as proxy, RawServer(response(b"{}")) as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        web = Web(title="CA", base=server.address, rules=AddressRules(loopback=True))

        web.call("GET", "", purpose=Purpose.READ)

        assert (server.connections, proxy.connections) == (1, 0)


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def slow(host: str, *arguments: object, **more: object) -> object:
        if host == "ca.example.com" and not more.get("flags"):
            time.sleep(1)
        return real("127.0.0.1" if host == "ca.example.com" and not more.get("flags") else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()

    with pytest.raises(NoAddress, match=r"ca\.example\.com"):
        addresses.resolve("ca.example.com", 443, seconds=0.1)

    assert time.monotonic() - began < 0.9


def answer_names(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """Give names these addresses, one answer after the other; returns the names that were asked for."""
    real, asked, left = socket.getaddrinfo, [], list(answers)

    def answer(host: str, port: int, *arguments: object, **more: int) -> list[object]:
        if host != "ca.example.com":
            return real(host, port, *arguments, **more)
        if more.get("flags", 0) & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
