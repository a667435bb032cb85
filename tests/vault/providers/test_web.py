"""What a call sends, what its answer or silence means, and what a hostile server can do to us."""

import gzip
import logging
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.pki.authority import ec_key, key_pem, make_csr, make_leaf, make_root, rsa_key, sign_csr, to_pem
from tests.vault.providers.rawserver import RawServer, response, server_context
from vault.providers import web as web_module
from vault.providers.answers import BadAnswer, retry_after, words
from vault.providers.base import (
    AddressRules,
    NotAuthorised,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Transient,
)
from vault.providers.web import Answer, CallRefused, Purpose, Web
from vault.x509 import asn1

pytestmark = pytest.mark.no_database

READ, ORDER, WRITE = Purpose.READ, Purpose.ORDER, Purpose.WRITE
HERE = AddressRules(loopback=True)
CANARY = "canary-7f3a9c"


def a_web(server: RawServer, **facts: object) -> Web:
    return Web(title="Example CA", base=server.address, rules=HERE, **facts)


def outcome(server: RawServer, purpose: Purpose, **facts: object) -> type[ProviderError] | int:
    """The status of the answer, or the class of the refusal."""
    web = a_web(server)
    try:
        answer = web.call("POST", "x", purpose=purpose, **facts)
        web.json(answer, purpose)
    except ProviderError as error:
        return type(error)
    return answer.status


# --------------------------------------------------------------------- meaning
@pytest.mark.parametrize(
    ("status", "read", "order", "write"),
    [
        (200, 200, 200, 200),
        (201, 201, 201, 201),
        (301, Transient, OutcomeUnknown, Transient),
        (307, Transient, OutcomeUnknown, Transient),
        (400, 400, 400, 400),
        (401, 401, 401, 401),
        (403, 403, 403, 403),
        (404, 404, 404, 404),
        (408, RateLimited, RateLimited, RateLimited),
        (409, 409, 409, 409),
        (425, RateLimited, RateLimited, RateLimited),
        (429, RateLimited, RateLimited, RateLimited),
        (500, Transient, OutcomeUnknown, Transient),
        (502, Transient, OutcomeUnknown, Transient),
        (503, Transient, OutcomeUnknown, Transient),
        (504, Transient, OutcomeUnknown, Transient),
    ],
)
def test_what_a_status_means_depends_on_what_was_asked(status: int, read: object, order: object, write: object) -> None:
    for purpose, expected in ((READ, read), (ORDER, order), (WRITE, write)):
        with RawServer(response(b"{}", status=f"{status} X")) as server:
            assert outcome(server, purpose) == expected
            assert server.requests == 1


def test_an_adapter_may_take_a_status_as_an_answer() -> None:
    with RawServer(response(b"{}", status="500 Fault")) as server:
        assert outcome(server, ORDER, take={500}) == 500


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


LOST: dict[str, bytes | Callable[[socket.socket], None]] = {
    "reset": reset,
    "closed": lambda _: None,
    "cut in the head": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut in the body": lambda connection: connection.sendall(response(b'{"id":', length=100)),
    "cut in a chunk": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}"
    ),
    "cut in gzip": lambda connection: connection.sendall(
        response(gzip.compress(b'{"id": 1}' * 50)[:-9], "Content-Encoding: gzip")
    ),
    "no gzip": response(b"{}", "Content-Encoding: gzip"),
    "br unasked": response(b"{}", "Content-Encoding: br"),
    "twice packed": response(b"{}", "Content-Encoding: gzip, gzip"),
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a page": response(b"<!DOCTYPE html><h1>Proxy</h1>", "Content-Type: text/html"),
    "a page that refuses": response(b"<h1>Forbidden by proxy</h1>", status="418 X"),
    "nothing": response(b""),
    "half of JSON": response(b'{"id": 12'),
    "deep JSON": response(b"[" * 200_000),
    "an endless number": response(b'{"id": ' + b"9" * 10_000 + b"}"),
    "no text": response(bytes(range(256))),
    "a long head": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
    "5 MB and more": response(b" " * 5_000_001),
    "says 6 GB": lambda connection: send_until_closed(connection, response(b"", length=6_000_000_000)),
}


def send_until_closed(connection: socket.socket, start: bytes, part: bytes = b" " * 65536) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(part)


@pytest.mark.parametrize("kind", LOST)
def test_an_answer_that_got_lost_leaves_an_order_open_and_anything_else_untouched(kind: str) -> None:
    for purpose, expected in ((READ, Transient), (ORDER, OutcomeUnknown), (WRITE, Transient)):
        with RawServer(LOST[kind]) as server:
            assert outcome(server, purpose) is expected
            assert server.connections == 1


def test_a_server_that_cannot_be_reached_has_no_order() -> None:
    with RawServer() as server:
        pass  # nothing listens there any more

    for purpose in Purpose:
        with pytest.raises(Transient, match="could not be reached: connection refused") as refusal:
            a_web(server).call("POST", "x", purpose=purpose)
        assert type(refusal.value) is Transient


def test_a_name_without_address_has_no_order() -> None:
    web = Web(title="Example CA", base="https://ca.invalid", rules=AddressRules())

    with pytest.raises(Transient, match=r"no address was found for the name “ca\.invalid”"):
        web.call("POST", "x", purpose=ORDER)


# ------------------------------------------------------------------ too slow
def drip(connection: socket.socket, start: bytes) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def promise(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.02)


def send_nothing(connection: socket.socket) -> None:
    connection.recv(1)


SLOW: dict[str, Callable[[socket.socket], None]] = {
    "silent": send_nothing,
    "a slow head": lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\nX-A:"),
    "a slow body": lambda connection: drip(connection, response(b"", length=10_000)),
    "promises": promise,
}


@pytest.mark.parametrize("kind", SLOW)
def test_the_time_of_a_call_is_bounded_as_a_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "CONNECT", 0.1)
    monkeypatch.setattr(web_module, "TOTAL", 0.15)
    monkeypatch.setattr(web_module, "TOTAL_ORDER", 0.3)
    for purpose, expected in ((READ, Transient), (ORDER, OutcomeUnknown)):
        with RawServer(SLOW[kind]) as server:
            began = time.monotonic()

            assert outcome(server, purpose) is expected

            assert time.monotonic() - began < 3


def test_an_order_has_120_seconds_and_everything_else_60() -> None:
    assert (web_module.CONNECT, web_module.TOTAL_ORDER, web_module.TOTAL) == (10, 120, 60)


def test_tls_that_never_begins_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "CONNECT", 0.2)
    monkeypatch.setattr("vault.providers.connecting.CONNECT", 0.2)
    with RawServer(send_nothing) as server:  # reads the greeting and says nothing
        web = Web(title="Example CA", base=f"https://localhost:{server.port}", rules=HERE)

        with pytest.raises(Transient, match="did not answer in time"):
            web.call("POST", "x", purpose=ORDER)


# --------------------------------------------------------------------- memory
@pytest.mark.parametrize(
    "body",
    [
        response(gzip.compress(b"0" * 100_000_000, 9), "Content-Encoding: gzip"),
        response(b" " * 30_000_000),
    ],
    ids=["bomb", "huge"],
)
def test_a_huge_answer_costs_little_memory(body: bytes) -> None:
    with RawServer(body) as server:
        web = a_web(server)
        tracemalloc.start()
        try:
            with pytest.raises(Transient, match="longer than 5 MB"):
                web.call("GET", "x", purpose=READ)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 30_000_000


def test_an_answer_of_5_mb_is_read() -> None:
    body = b'"' + b"a" * 4_999_998 + b'"'
    for packed in (response(body), response(gzip.compress(body, 1), "Content-Encoding: gzip")):
        with RawServer(packed) as server:
            assert len(a_web(server).call("GET", "x", purpose=READ).json()) == 4_999_998


# ---------------------------------------------------------------- what is sent
def test_a_call_sends_what_it_is_given() -> None:
    with RawServer(response(b"{}")) as server:
        web = Web(title="CA", base=f"{server.address}/v2/", rules=HERE, headers={"X-Key": "abc", "accept": "text/xml"})

        web.call("get", "/orders", purpose=READ, params=[("filters[name]", "a&b"), ("limit", "10")])
        web.call("POST", "orders", purpose=ORDER, json={"a": "ä"}, headers={"X-KEY": "other"})
        web.call("POST", "", purpose=WRITE, form={"a b": "=&"})

    sent = server.received.decode()
    assert "GET /v2/orders?filters%5Bname%5D=a%26b&limit=10 HTTP/1.1\r\n" in sent
    assert f"Host: localhost:{server.port}\r\n" in sent
    assert "Accept: text/xml\r\n" in sent
    assert sent.count("X-Key: abc") == 2
    assert "X-Key: other" in sent
    assert "Content-Type: application/json\r\n" in sent
    assert "POST /v2/ HTTP/1.1\r\n" in sent


def test_reads_share_a_connection_and_an_order_has_its_own() -> None:
    with RawServer(response(b"{}")) as server:
        web = a_web(server)
        for _ in range(5):
            web.call("GET", "x", purpose=READ)
        reads = server.connections

        for _ in range(2):
            web.call("POST", "x", purpose=ORDER)

        assert (reads, server.connections) == (1, 3)


def test_a_connection_that_the_server_has_closed_is_not_used_for_the_next_read() -> None:
    def once(connection: socket.socket) -> None:
        connection.sendall(response(b"{}"))

    with RawServer(once) as server:
        web = a_web(server)
        web.call("GET", "x", purpose=READ)
        for _ in range(100):
            if server._open[0].fileno() == -1 or server.requests:
                break
            time.sleep(0.01)
        time.sleep(0.05)

        assert web.call("GET", "x", purpose=READ).status == 200


def test_threads_may_share_an_adapter() -> None:
    with RawServer(response(b'{"id": 1}')) as server:
        web, answers = a_web(server), []

        def ask() -> None:
            for _ in range(10):
                answers.append(web.call("GET", "x", purpose=READ).json()["id"])  # noqa: PERF401

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert answers == [1] * 80


# --------------------------------------------------------------------- secrets
def test_credentials_reach_no_log_no_message_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(response(b"{}", status="500 X")) as server:
        web = a_web(server, headers={"X-Key": CANARY}, client_key=CANARY, ca_pem="")

        with pytest.raises(OutcomeUnknown) as refusal:
            web.call("POST", "orders", purpose=ORDER, json={"pw": CANARY}, params={"token": CANARY})

    assert CANARY in server.received.decode()
    assert CANARY not in caplog.text + str(refusal.value) + repr(refusal.value) + repr(web)
    assert "POST localhost/orders: 500 in " in caplog.text


@pytest.mark.parametrize("value", [f"{CANARY}\r\nX-Other: 1", f"{CANARY}\x00", f"{CANARY}ä"])
def test_a_credential_that_cannot_be_sent_is_not_quoted(value: str) -> None:
    with RawServer(response(b"{}")) as server:
        web = a_web(server, headers={"X-Key": value})

        with pytest.raises(CallRefused, match="characters that cannot be sent") as refusal:
            web.call("POST", "orders", purpose=ORDER)

    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert server.received == b""


# ------------------------------------------------------------------------- TLS
@pytest.fixture(scope="module")
def trusted() -> Iterator[str]:
    """PEM of the roots that the tests trust: one with an EC key, one with an RSA key."""
    return to_pem(ROOT.der) + to_pem(RSA_ROOT.der)


ROOT = make_root("Trusted Root")
RSA_ROOT = make_root("Trusted RSA Root", key=rsa_key())
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


def issued(root=ROOT, key=None, csr_facts=None, **facts: object) -> tuple[str, str]:
    """Certificate and key as PEM, for localhost unless names are given."""
    key = key or ec_key()
    csr = make_csr("localhost", subject="CN=localhost", key=key, **(csr_facts or {}))
    return to_pem(sign_csr(root, csr, **facts)), key_pem(key)


def with_sha1() -> tuple[str, str]:
    chain, key = issued(RSA_ROOT)
    from cryptography import x509

    der = x509.load_pem_x509_certificate(chain.encode()).public_bytes(serialization.Encoding.DER)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    tbs, algorithm, _ = (one.whole for one in asn1.sequence(der))
    tbs, algorithm = tbs.replace(sha256, sha1), algorithm.replace(sha256, sha1)
    assert isinstance(RSA_ROOT.key, rsa.RSAPrivateKey)
    signature = RSA_ROOT.key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())
    whole = asn1.encode(asn1.SEQUENCE, tbs + algorithm + asn1.encode(asn1.BIT_STRING, b"\x00" + signature))
    return to_pem(whole), key


def self_signed() -> tuple[str, str]:
    root = make_root("localhost")
    return to_pem(root.der), key_pem(root.key)


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BAD_SERVERS: dict[str, Callable[[], tuple[str, str]]] = {
    "expired": lambda: issued(not_before=LONG_AGO, days=90),
    "not yet valid": lambda: issued(not_before=datetime.now(UTC) + timedelta(days=2)),
    "another host": lambda: issued(names=["ca.example.com"]),
    "no names": lambda: issued(names=[]),
    "self-signed": self_signed,
    "untrusted": lambda: issued(make_root("Trusted Root")),
    "for clients only": lambda: issued(ekus=(CLIENT_AUTH,)),
    "weak key": lambda: issued(key=rsa_key(1024)),
    "SHA-1": with_sha1,
}


@pytest.mark.parametrize("kind", [*BAD_SERVERS, "TLS 1.1", "no TLS"])
def test_a_server_that_does_not_prove_who_it_is_learns_nothing(kind: str, trusted: str) -> None:
    chain, key = BAD_SERVERS.get(kind, issued)()
    context = None if kind == "no TLS" else server_context(chain, key, old=kind == "TLS 1.1")
    for purpose in (READ, ORDER):
        with RawServer(response(b"{}"), tls=context) as server:
            address = f"https://localhost:{server.port}"
            web = Web(title="CA", base=address, rules=HERE, headers={"Authorization": CANARY}, ca_pem=trusted)

            with pytest.raises(Transient, match=r"could not be reached: (its TLS cert|no TLS)") as refusal:
                web.call("POST", "x", purpose=purpose)

            assert type(refusal.value) is Transient
            assert server.connections == 1
            assert CANARY.encode() not in server.received


@pytest.mark.parametrize("good", [issued, lambda: issued(RSA_ROOT, key=rsa_key(2048, 1))])
def test_a_server_that_proves_who_it_is_is_called(good: Callable[[], tuple[str, str]], trusted: str) -> None:
    with RawServer(response(b"{}"), tls=server_context(*good())) as server:
        assert a_web(server, ca_pem=trusted).call("GET", "x", purpose=READ).status == 200


def test_without_roots_of_its_own_an_issuer_trusts_those_of_the_system() -> None:
    server = RawServer(response(b"{}"), tls=server_context(*issued()))

    with server, pytest.raises(Transient, match="not trusted"):
        a_web(server).call("GET", "x", purpose=READ)


def test_roots_that_are_none_are_refused_before_anything_is_sent() -> None:
    web = Web(title="Example CA", base="https://ca.invalid", rules=AddressRules(), ca_pem="no certificates")

    with pytest.raises(CallRefused, match="roots to trust for Example CA are not certificates"):
        web.call("POST", "x", purpose=ORDER)


def encrypted(key: str) -> str:
    loaded = serialization.load_pem_private_key(key.encode(), None)
    return loaded.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()


CLIENT = make_leaf(ROOT, "client")
BAD_CLIENTS = {
    "another key": (CLIENT.pem, key_pem(ec_key())),
    "no key": (CLIENT.pem, ""),
    "a password": (CLIENT.pem, encrypted(key_pem(CLIENT.key))),
    "no certificate": ("nothing", key_pem(CLIENT.key)),
    "endless": (CLIENT.pem * 100, key_pem(CLIENT.key)),
    "no ASCII": (CLIENT.pem + "ä", key_pem(CLIENT.key)),
}


@pytest.mark.parametrize("kind", BAD_CLIENTS)
def test_a_client_certificate_that_cannot_be_shown_is_a_bad_credential(kind: str) -> None:
    chain, key = BAD_CLIENTS[kind]
    web = Web(title="CA", base="https://ca.invalid", rules=AddressRules(), client_pem=chain, client_key=key)

    with pytest.raises(NotAuthorised, match="client certificate for CA and its private key"):
        web.call("POST", "x", purpose=ORDER)


# --------------------------------------------------------------------- answers
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("7", timedelta(seconds=7)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(seconds=1)),
        ("999999", timedelta(hours=1)),
        ("999999999999999999999", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", timedelta(seconds=1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=1)),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_how_long_to_wait_is_read_and_bounded(given: str, expected: timedelta | None) -> None:
    assert retry_after(given) == expected


def test_how_long_to_wait_may_be_a_date() -> None:
    wait = retry_after(format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True))

    assert wait is not None
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)


def test_a_limited_call_says_how_long_to_wait() -> None:
    server = RawServer(response(b"{}", "Retry-After: 120", status="429 X"))

    with server, pytest.raises(RateLimited, match=r"asks us to wait \(HTTP 429\)") as refusal:
        a_web(server).call("GET", "x", purpose=READ)

    assert refusal.value.retry_after == timedelta(minutes=2)


def test_a_ca_that_is_down_may_say_how_long_to_wait() -> None:
    server = RawServer(response(b"", "Retry-After: 90", status="503 X"))

    with server, pytest.raises(Transient, match="HTTP 503") as refusal:
        a_web(server).call("GET", "x", purpose=READ)

    assert refusal.value.retry_after == timedelta(seconds=90)


def test_what_no_database_can_hold_is_replaced() -> None:
    body = rb'{"a\u0000": ["b\ud800", {"c": "\\u0000 \u00e4"}], "n": 1}'
    answer = Answer(status=200, headers={}, body=body)

    assert answer.json() == {"a\ufffd": ["b\ufffd", {"c": "\\u0000 ä"}], "n": 1}
    assert Answer(status=200, headers={}, body=b"a\x00\xff").text() == "a\ufffd\ufffd"


def test_an_answer_that_is_no_json_says_so() -> None:
    with pytest.raises(BadAnswer, match="not JSON"):
        Answer(status=200, headers={}, body=b"<html>").json()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  two\r\n lines ", "two lines"),
        ("a\x00b\x1b[31m\u202ec\ud800", "a b [31m c"),
        ("x" * 600, "x" * 499 + "…"),
        (None, "None"),
    ],
)
def test_what_a_ca_said_becomes_one_line_that_can_be_shown(said: object, shown: str) -> None:
    assert words(said) == shown
