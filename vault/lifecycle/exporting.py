"""The way out: certificates for anyone who may read them, private keys through one function alone."""

from dataclasses import dataclass, field

from django.db import transaction

from vault.errors import NotAllowed
from vault.keys.making import open_key
from vault.models import Version
from vault.models.audit import Actor, record
from vault.x509 import bundles, certificates, flavours, pfx
from vault.x509.certificates import split_pem
from vault.x509.flavours import Format

__all__ = [
    "File",
    "Format",
    "certificate_der",
    "certificate_pem",
    "chain_of",
    "export_with_key",
    "file_name",
    "full_chain",
    "full_chain_with_root",
    "has_root",
    "name_with_key",
    "p7b",
]
_PEM = "application/x-pem-file"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to hand out. The content never shows in a `repr`."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


def export_with_key(
    *,
    version: Version,
    as_: Format,
    password: str | None,
    by: Actor,
    friendly_name: str = "",
    with_root: bool = False,
) -> File:
    """Return certificate, chain and private key in one file. The event is written, and committed, before anything else.

    The leaf comes first, then its issuers, nearest first; the root only `with_root`. Formats without a password carry
    the key in the clear (PKCS#8). `friendly_name` is the certificate's name unless given.

    Raises:
        NotAllowed: the key is not exportable, is not here, or the version is disabled.
        BadParameter: field `password` or `friendly_name`; it cannot be used.
        RingError: the key does not open.
    """
    _check_may_leave(version)
    friendly_name = friendly_name or version.certificate.name
    flavours.check_words(as_, password=password or "", friendly_name=friendly_name)
    with transaction.atomic():
        record(
            "secrets/get",
            f"certificates/{version.certificate.name}/{version}",
            by=by,
            vault=version.certificate.vault,
            result="released",
            details={"format": as_.value, "sha256": version.thumbprint_sha256},
        )
    return _with_key(version, as_, password, friendly_name, with_root=with_root)


def _check_may_leave(version: Version) -> None:
    if version.key is None:
        raise NotAllowed(
            "The private key of this version is not in the vault: it is where its request was made. "
            "Download the certificate without it, and install it there."
        )
    if not version.key.exportable:
        raise NotAllowed("The private key of this version cannot leave the vault. The certificate alone can.")
    if not version.enabled:
        raise NotAllowed("This version is disabled. Enable it to download its private key.")


def _with_key(version: Version, as_: Format, password: str | None, friendly_name: str, *, with_root: bool) -> File:
    assert version.key is not None
    parts = flavours.Parts(
        key=open_key(version.key),
        leaf=bytes(version.der),
        chain=chain_of(version, with_root=with_root),
        password=password,
        friendly_name=friendly_name,
        folder=version.certificate.name,
    )
    return File(name=name_with_key(version, as_), content_type=as_.content_type, content=flavours.write(parts, as_))


def name_with_key(version: Version, as_: Format) -> str:
    """What the file with the private key is called."""
    return f"{file_name(version)}{as_.ending}"


def certificate_pem(version: Version) -> File:
    """The certificate alone, as PEM."""
    text = certificates.pem(bytes(version.der))
    return File(name=f"{file_name(version)}.pem", content_type=_PEM, content=text.encode())


def certificate_der(version: Version) -> File:
    """The certificate alone, as DER."""
    return File(name=f"{file_name(version)}.cer", content_type="application/pkix-cert", content=bytes(version.der))


def full_chain(version: Version) -> File:
    """The certificate and its chain as PEM, leaf first, without the root."""
    return _chain(version, "-chain.pem", with_root=False)


def full_chain_with_root(version: Version) -> File:
    """The certificate and its chain as PEM, leaf first, with the root if the vault has it."""
    return _chain(version, "-chain-with-root.pem", with_root=True)


def _chain(version: Version, ending: str, *, with_root: bool) -> File:
    text = pfx.build_pem(key=None, leaf=bytes(version.der), chain=chain_of(version, with_root=with_root))
    return File(name=f"{file_name(version)}{ending}", content_type=_PEM, content=text.encode())


def p7b(version: Version) -> File:
    """The certificate and its chain, without the root, as PKCS#7 in DER."""
    content = bundles.build_p7b(leaf=bytes(version.der), chain=chain_of(version, with_root=False))
    return File(name=f"{file_name(version)}.p7b", content_type="application/x-pkcs7-certificates", content=content)


def chain_of(version: Version, *, with_root: bool) -> tuple[bytes, ...]:
    """The issuers of a version as DER, nearest first."""
    chain = tuple(split_pem(version.chain))
    return chain if with_root else bundles.without_root(chain)


def has_root(version: Version) -> bool:
    """Whether its chain holds a root, which is left out unless asked for."""
    return chain_of(version, with_root=True) != chain_of(version, with_root=False)


def file_name(version: Version) -> str:
    """A file name without ending: the certificate's name and the version's number."""
    return f"{version.certificate.name}-v{version.number}"
