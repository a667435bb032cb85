"""The authority that may speak for a few names, and the server's certificate."""

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from vault.x509 import serving
from vault.x509.serving import Names, Pair

NAMES = Names(("localhost", "portal.example.org"), above=("vault.localhost",), addresses=("127.0.0.1", "::1"))


@pytest.fixture(scope="module")
def authority() -> Pair:
    return serving.make_authority(NAMES)


@pytest.fixture(scope="module")
def server(authority: Pair) -> Pair:
    return serving.make_server(NAMES, authority)


def is_trusted(server: Pair, authority: Pair, name: str, directory: Path) -> bool:
    """Whether OpenSSL, at its strictest, takes the server for `name`."""
    chain, key = directory / "server.pem", directory / "server.key"
    chain.write_bytes(server.certificate_pem())
    key.write_bytes(server.key_pem())
    serve = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve.load_cert_chain(chain, key)
    trust = ssl.create_default_context(cadata=authority.certificate_pem().decode())
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def answer() -> None:
        try:
            serve.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        trust.wrap_socket(ours, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        ours.close()
        thread.join()
    return True


@pytest.mark.parametrize(
    ("name", "trusted"),
    [
        ("localhost", True),
        ("portal.example.org", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("payments.vault.localhost", True),
        ("login.vault.localhost", True),
        ("vault.localhost", True),
        ("a.b.vault.localhost", False),
        ("example.org", False),
        ("127.0.0.2", False),
    ],
)
def test_the_server_is_trusted_for_its_names_and_no_others(
    server: Pair, authority: Pair, tmp_path: Path, name: str, trusted: bool
) -> None:
    assert is_trusted(server, authority, name, tmp_path) is trusted


def test_the_authority_is_not_believed_for_other_names(authority: Pair, tmp_path: Path) -> None:
    foreign = serving.make_server(Names(("bank.example.com",), addresses=("192.0.2.1",)), authority)

    assert not is_trusted(foreign, authority, "bank.example.com", tmp_path)
    assert not is_trusted(foreign, authority, "192.0.2.1", tmp_path)


def test_the_authority_makes_no_other_authority(authority: Pair) -> None:
    basic = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints)

    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert authority.certificate.extensions.get_extension_for_class(x509.NameConstraints).critical


def test_two_authorities_have_two_names(authority: Pair) -> None:
    assert serving.make_authority(NAMES).certificate.subject != authority.certificate.subject


def test_addresses_are_addresses_and_names_are_names(server: Pair) -> None:
    held = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert held.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(one) for one in ("127.0.0.1", "::1")]
    assert held.get_values_for_type(x509.DNSName) == [
        "localhost",
        "portal.example.org",
        "vault.localhost",
        "*.vault.localhost",
    ]


def test_a_pair_is_read_again(server: Pair) -> None:
    read = serving.read(server.certificate_pem(), server.key_pem())

    assert read is not None
    assert read.certificate == server.certificate


def test_what_does_not_belong_together_is_no_pair(server: Pair, authority: Pair) -> None:
    assert serving.read(server.certificate_pem(), authority.key_pem()) is None
    assert serving.read(b"", server.key_pem()) is None
    assert serving.read(server.certificate_pem(), b"nothing") is None


def test_an_authority_vouches_for_its_names_until_it_ends(authority: Pair) -> None:
    soon, late = datetime.now(UTC) + serving.SERVER_LIFE, datetime.now(UTC) + serving.AUTHORITY_LIFE
    fewer = Names(("localhost",), above=("vault.localhost",), addresses=("127.0.0.1", "::1"))

    assert serving.may_vouch(authority, NAMES, until=soon)
    assert not serving.may_vouch(authority, NAMES, until=late)
    assert not serving.may_vouch(authority, fewer, until=soon)


def test_a_server_is_good_for_its_names_from_its_authority_until_it_ends(authority: Pair, server: Pair) -> None:
    soon = datetime.now(UTC) + timedelta(days=60)
    stranger = Pair(authority.certificate, ec.generate_private_key(ec.SECP256R1()))
    forged = serving.make_server(NAMES, stranger)

    assert serving.is_good(server, NAMES, authority, until=soon)
    assert not serving.is_good(server, NAMES, authority, until=soon + serving.SERVER_LIFE)
    assert not serving.is_good(server, Names(("localhost",)), authority, until=soon)
    assert not serving.is_good(server, NAMES, serving.make_authority(NAMES), until=soon)
    assert not serving.is_good(forged, NAMES, authority, until=soon)
    assert not serving.may_vouch(server, NAMES, until=soon)


def test_no_key_is_shown(server: Pair) -> None:
    assert repr(server) == "<Pair CN=localhost>"
