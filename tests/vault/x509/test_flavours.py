"""Each server gets its file as it wants it."""

from __future__ import annotations

import io
import zipfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.pki.authority import ec_key, key_pem, make_intermediate, make_leaf, make_root, rsa_key
from vault.errors import BadCertificate, BadParameter
from vault.x509.flavours import Format, Parts, check_words, write

ISSUING = make_intermediate(make_root())
LEAF = make_leaf(ISSUING)
PASSWORD = "correct horse battery"


def parts(**facts: object) -> Parts:
    usual = {
        "key": LEAF.key,
        "leaf": LEAF.der,
        "chain": (ISSUING.der,),
        "password": PASSWORD,
        "friendly_name": "Läden & Co",
        "folder": "shop",
    }
    return Parts(**usual | facts)


def members(octets: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_nginx_gets_the_chain_and_the_key_in_two_files() -> None:
    assert members(write(parts(), Format.NGINX)) == {
        "shop/fullchain.pem": LEAF.pem + ISSUING.pem,
        "shop/privkey.pem": key_pem(LEAF.key),
    }


def test_apache_gets_the_chain_once_more_for_its_old_versions() -> None:
    assert members(write(parts(), Format.APACHE)) == {
        "shop/fullchain.pem": LEAF.pem + ISSUING.pem,
        "shop/chain.pem": ISSUING.pem,
        "shop/privkey.pem": key_pem(LEAF.key),
    }


def test_apache_gets_no_empty_chain() -> None:
    assert list(members(write(parts(chain=()), Format.APACHE))) == ["shop/fullchain.pem", "shop/privkey.pem"]


def test_haproxy_gets_one_file_that_ends_with_the_key() -> None:
    assert write(parts(), Format.HAPROXY).decode() == LEAF.pem + ISSUING.pem + key_pem(LEAF.key)


def test_a_pem_file_begins_with_the_key() -> None:
    assert write(parts(), Format.PEM).decode() == key_pem(LEAF.key) + LEAF.pem + ISSUING.pem


def test_a_pem_file_with_encrypted_key_does_not_open_without_its_password() -> None:
    octets = write(parts(), Format.PEM_ENCRYPTED)

    assert octets.endswith((LEAF.pem + ISSUING.pem).encode())
    assert serialization.load_pem_private_key(octets, PASSWORD.encode()).public_key() == LEAF.key.public_key()
    with pytest.raises(TypeError):
        serialization.load_pem_private_key(octets, None)


@pytest.mark.parametrize("as_", [one for one in Format if one.has_name])
def test_pkcs12_formats_carry_key_leaf_chain_and_name(as_: Format) -> None:
    opened = pkcs12.load_pkcs12(write(parts(), as_), PASSWORD.encode())

    assert opened.key.public_key() == LEAF.key.public_key()
    assert opened.cert.friendly_name == "Läden & Co".encode()
    assert opened.cert.certificate.public_bytes(serialization.Encoding.DER) == LEAF.der
    assert [one.certificate.public_bytes(serialization.Encoding.DER) for one in opened.additional_certs] == [
        ISSUING.der
    ]


@pytest.mark.parametrize("as_", Format)
def test_no_format_is_made_of_a_key_that_is_not_the_certificates(as_: Format) -> None:
    with pytest.raises(BadCertificate, match="do not belong together"):
        write(parts(key=rsa_key()), as_)


@pytest.mark.parametrize("as_", [one for one in Format if one.has_password])
@pytest.mark.parametrize("password", ["", "a\x00b", "x" * 201])
def test_passwords_that_no_program_takes_are_refused(as_: Format, password: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        check_words(as_, password=password, friendly_name="shop")

    assert refusal.value.field == "password"


@pytest.mark.parametrize("password", ["12345", "pässwörd", "密码密码密码"])
def test_passwords_that_java_does_not_take_are_refused_for_java_alone(password: str) -> None:
    check_words(Format.PFX, password=password, friendly_name="shop")

    with pytest.raises(BadParameter, match="Java") as refusal:
        check_words(Format.JAVA, password=password, friendly_name="shop")

    assert password not in str(refusal.value)


def test_what_has_no_password_and_no_name_asks_for_none() -> None:
    for as_ in (Format.NGINX, Format.APACHE, Format.HAPROXY, Format.PEM):
        check_words(as_, password="", friendly_name="")


def test_parts_do_not_show_what_is_secret_in_a_repr() -> None:
    text = repr(parts(key=ec_key()))

    assert PASSWORD not in text
    assert "key" not in text
