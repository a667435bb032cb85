"""The secret of a version as applications read it: the octets sealed when it was made, each time the same."""

from django.db import transaction

from vault.errors import NotAllowed
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, unseal
from vault.models import Version
from vault.models.audit import Actor, record
from vault.models.policy import PEM_FILE
from vault.x509 import pfx
from vault.x509.certificates import split_pem


def secret_value(version: Version, *, by: Actor, content_type: str = "") -> bytes:
    """Return the PFX (without password) or PEM text of a version; `content_type` PEM turns a PFX into PEM.

    The event is written, and committed, before anything is opened. The key is in it if it is exportable.

    Raises:
        NotAllowed: the version is disabled, or has no secret because its key is not here.
        RingError: it does not open.
    """
    if not version.enabled:
        raise NotAllowed("This version is disabled. Enable it to read its secret.")
    if version.secret is None:
        raise NotAllowed("The key of this version is not here, so there is no secret to read.")
    format_ = content_type or version.content_type
    with transaction.atomic():
        record(
            "secrets/get",
            f"certificates/{version.certificate.name}/{version}",
            by=by,
            vault=version.certificate.vault,
            result="released",
            details={"format": format_, "sha256": version.thumbprint_sha256},
        )
    if format_ == PEM_FILE and version.content_type != PEM_FILE:
        return _as_pem(version)
    return unseal(version.secret, purpose=Purpose.SECRET, vault_id=version.certificate.vault_id, row_id=version.pk)


def _as_pem(version: Version) -> bytes:
    private = open_key(version.key) if version.key and version.key.exportable else None
    return pfx.build_pem(key=private, leaf=bytes(version.der), chain=split_pem(version.chain)).encode()
