"""One file per kind of server or program, with certificate, chain and private key as it wants them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vault.errors import BadParameter
from vault.x509 import bundles, certificates, pfx
from vault.x509.types import PrivateKey

SHORTEST_FOR_JAVA = 6


class Format(enum.StrEnum):
    """What a file with a private key may look like: named for the server that reads it, or for itself."""

    NGINX = "nginx"
    APACHE = "apache"
    HAPROXY = "haproxy"
    PFX = "pfx"
    JAVA = "java"
    PFX_LEGACY = "pfx-legacy"
    PEM = "pem"
    PEM_ENCRYPTED = "pem-encrypted"

    @property
    def has_password(self) -> bool:
        """Whether the key is encrypted in it."""
        return self.has_name or self is Format.PEM_ENCRYPTED

    @property
    def has_name(self) -> bool:
        """Whether it has room for a friendly name (PKCS#12's word; Java calls it alias)."""
        return self in {Format.PFX, Format.PFX_LEGACY, Format.JAVA}

    @property
    def ending(self) -> str:
        """What its file's name ends with."""
        return _WRITERS[self][0]

    @property
    def content_type(self) -> str:
        """Its media type."""
        return _WRITERS[self][1]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What goes into a file: certificates as DER, the issuers nearest first. Nothing secret shows in a `repr`.

    `folder` is the name of the folder in a ZIP; letters, digits and hyphens alone.
    """

    key: PrivateKey = field(repr=False)
    leaf: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    password: str | None = field(repr=False)
    friendly_name: str
    folder: str


def write(parts: Parts, as_: Format) -> bytes:
    """The octets of the file.

    Raises:
        BadCertificate: the key is not the certificate's.
        BadParameter: field `password`; it cannot be used.
    """
    pfx.check_pair(key=parts.key, leaf=parts.leaf)
    return _WRITERS[as_][2](parts)


def check_words(as_: Format, *, password: str, friendly_name: str) -> None:
    """Refuse words that the format, or the one program it is made for, cannot take.

    Raises:
        BadParameter: field `password` or `friendly_name`. The sentence never holds the password.
    """
    if as_.has_password:
        pfx.check_password(password)
    if as_.has_name:
        pfx.check_friendly_name(friendly_name)
    if as_ is Format.JAVA:
        _check_java_password(password)


def _check_java_password(password: str) -> None:
    """What keytool asks for, and what the JDK's PBES2 takes ("Password is not ASCII")."""
    if len(password) < SHORTEST_FOR_JAVA:
        message = f"Java takes keystore passwords of {SHORTEST_FOR_JAVA} characters or more. Choose a longer one."
        raise BadParameter(message, field="password")
    if not password.isascii():
        message = "Java opens keystores only with unaccented letters, digits and signs. Choose a password of those."
        raise BadParameter(message, field="password")


def _pfx(parts: Parts, *, legacy: bool = False) -> bytes:
    return pfx.build_pfx(
        key=parts.key,
        leaf=parts.leaf,
        chain=parts.chain,
        password=parts.password,
        friendly_name=parts.friendly_name,
        legacy=legacy,
    )


def _pfx_legacy(parts: Parts) -> bytes:
    return _pfx(parts, legacy=True)


def _pem(parts: Parts) -> bytes:
    return _key(parts) + _certificates(parts)


def _pem_encrypted(parts: Parts) -> bytes:
    key = bundles.build_encrypted_key(key=parts.key, password=parts.password or "")
    return key.encode() + _certificates(parts)


def _haproxy(parts: Parts) -> bytes:
    """HAProxy's documentation puts the certificates before the key."""
    return _certificates(parts) + _key(parts)


def _nginx(parts: Parts) -> bytes:
    return _zip(parts, {"fullchain.pem": _certificates(parts)})


def _apache(parts: Parts) -> bytes:
    """With a file for `SSLCertificateChainFile`, which Apache before 2.4.8 wants, unless it would be empty."""
    chain = _text(*parts.chain)
    return _zip(parts, {"fullchain.pem": _certificates(parts)} | ({"chain.pem": chain} if chain else {}))


def _zip(parts: Parts, members: Mapping[str, bytes]) -> bytes:
    everything = {**members, "privkey.pem": _key(parts)}
    return bundles.build_zip({f"{parts.folder}/{name}": content for name, content in everything.items()})


def _key(parts: Parts) -> bytes:
    return pfx.key_pem(parts.key).encode()


def _certificates(parts: Parts) -> bytes:
    return _text(parts.leaf, *parts.chain)


def _text(*ders: bytes) -> bytes:
    return "".join(map(certificates.pem, ders)).encode()


_PEM, _PKCS12, _ZIP = "application/x-pem-file", "application/x-pkcs12", "application/zip"
_WRITERS: dict[Format, tuple[str, str, Callable[[Parts], bytes]]] = {
    Format.NGINX: ("-nginx.zip", _ZIP, _nginx),
    Format.APACHE: ("-apache.zip", _ZIP, _apache),
    Format.HAPROXY: ("-haproxy.pem", _PEM, _haproxy),
    Format.PFX: (".pfx", _PKCS12, _pfx),
    Format.JAVA: (".p12", _PKCS12, _pfx),
    Format.PFX_LEGACY: (".pfx", _PKCS12, _pfx_legacy),
    Format.PEM: ("-with-key.pem", _PEM, _pem),
    Format.PEM_ENCRYPTED: ("-with-encrypted-key.pem", _PEM, _pem_encrypted),
}
