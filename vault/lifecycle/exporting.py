"""The way out: certificates for anyone who may read them, private keys through one function alone."""

import enum
from dataclasses import dataclass, field

from django.db import transaction

from vault.errors import NotAllowed
from vault.keys.making import open_key
from vault.models import Version
from vault.models.audit import Actor, record
from vault.x509 import certificates, pfx
from vault.x509.certificates import split_pem


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to hand out. The content never shows in a `repr`."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


class Format(enum.StrEnum):
    """What a file with a private key may look like."""

    PFX = "pfx"
    PFX_LEGACY = "pfx-legacy"
    PEM = "pem"


def export_with_key(*, version: Version, as_: Format, password: str | None, by: Actor) -> File:
    """Return certificate, chain and private key in one file. The event is written, and committed, before anything else.

    A PFX is encrypted with `password`; PEM carries the key in the clear (PKCS#8).

    Raises:
        NotAllowed: the key is not exportable, is not here, or the version is disabled.
        BadParameter: the password cannot be used.
        RingError: the key does not open.
    """
    key = version.key
    if key is None or not key.exportable:
        raise NotAllowed("The private key of this version cannot leave the vault. The certificate alone can.")
    if not version.enabled:
        raise NotAllowed("This version is disabled. Enable it to download its private key.")
    with_password = as_ is not Format.PEM
    if with_password:
        pfx.check_password(password or "")
    with transaction.atomic():
        record(
            "secrets/get",
            f"certificates/{version.certificate.name}/{version}",
            by=by,
            vault=version.certificate.vault,
            result="released",
            details={"format": as_.value, "sha256": version.thumbprint_sha256},
        )
    return _with_key(version, as_, password)


def _with_key(version: Version, as_: Format, password: str | None) -> File:
    assert version.key is not None
    private, leaf, chain = open_key(version.key), bytes(version.der), split_pem(version.chain)
    name = file_name(version)
    if as_ is Format.PEM:
        text = pfx.build_pem(key=private, leaf=leaf, chain=chain)
        return File(name=f"{name}-with-key.pem", content_type="application/x-pem-file", content=text.encode())
    content = pfx.build_pfx(
        key=private,
        leaf=leaf,
        chain=chain,
        password=password,
        friendly_name=version.certificate.name,
        legacy=as_ is Format.PFX_LEGACY,
    )
    return File(name=f"{name}.pfx", content_type="application/x-pkcs12", content=content)


def certificate_pem(version: Version) -> File:
    """The certificate alone, as PEM."""
    text = certificates.pem(bytes(version.der))
    return File(name=f"{file_name(version)}.pem", content_type="application/x-pem-file", content=text.encode())


def certificate_der(version: Version) -> File:
    """The certificate alone, as DER."""
    return File(name=f"{file_name(version)}.cer", content_type="application/pkix-cert", content=bytes(version.der))


def full_chain(version: Version) -> File:
    """The certificate and its chain as PEM, leaf first."""
    text = certificates.pem(bytes(version.der)) + version.chain
    return File(name=f"{file_name(version)}-chain.pem", content_type="application/x-pem-file", content=text.encode())


def file_name(version: Version) -> str:
    """A file name without ending: the certificate's name and the version's number."""
    return f"{version.certificate.name}-v{version.number}"
