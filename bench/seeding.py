"""Many certificates at once, straight into the tables: what lists and searches are measured on."""

import hashlib
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal.models import User
    from vault.models import Certificate, Operation, Vault, VersionName

VAULT = "bench"
OFFICER, REQUESTER = "officer", "requester"
_BATCH = 5000
_DER = b"\x30" * 700
_CHAIN = "x" * 1500


def host(number: int) -> str:
    """Return the host name of the certificate with that number; one in a thousand is for another domain."""
    domain = "shop.example.com" if number % 1000 == 7 else "example.org"
    return f"h{number:06d}.{domain}"


def name(number: int) -> str:
    """Return the certificate's name; neighbours in number are not neighbours by name."""
    return f"{hashlib.sha256(str(number).encode()).hexdigest()[:4]}-{number:06d}"


def digits(number: int) -> str:
    """Return 64 hex digits: the SHA-256 thumbprint, and cut short the SHA-1 thumbprint and the serial number."""
    return hashlib.sha256(f"thumb{number}".encode()).hexdigest()


def fill(size: int) -> None:
    """Make one vault with `size` certificates, each with a version, three names and a completed operation.

    One in twenty expires soon, one in a hundred has a disabled version, another one in a hundred is being issued
    and a third waits for a merge; one in a hundred belongs to the requester, the others to the officer.
    """
    from django.db import connection, transaction

    from vault import tasks

    vault, people = _vault()
    for start in range(0, size, _BATCH):
        with transaction.atomic():
            _fill(vault, people, range(start, min(start + _BATCH, size)))
    tasks.tidy()  # as the worker does from time to time
    if connection.vendor == "postgresql":  # and autovacuum
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _vault() -> "tuple[Vault, dict[str, User]]":
    from portal.models import Membership, Role, User
    from vault.lifecycle import vaults
    from vault.models.audit import SYSTEM

    vault = vaults.create_vault(name=VAULT, by=SYSTEM)
    people = {}
    for username, role in ((OFFICER, Role.OFFICER), (REQUESTER, Role.REQUESTER)):
        people[username] = User.objects.create(username=username)
        Membership.objects.create(vault=vault, user=people[username], role=role)
    return vault, people


def _fill(vault: "Vault", people: "dict[str, User]", numbers: range) -> None:
    from vault.models import Certificate, Operation, Version, VersionName

    # Foreign keys are looked at when the transaction commits, so that versions may come after who points at them.
    ids = {number: uuid.uuid4() for number in numbers}
    certificates = [_certificate(vault, people, number, ids[number]) for number in numbers]
    Certificate.objects.bulk_create(certificates)
    numbered = dict(zip(numbers, certificates, strict=True))
    versions = [
        Version(id=ids[number], certificate=certificate, **_facts(number, certificate))
        for number, certificate in numbered.items()
    ]
    Version.objects.bulk_create(versions)
    VersionName.objects.bulk_create(_names(versions, numbers))
    Operation.objects.bulk_create(_operations(vault, people, numbered))


def _certificate(vault: "Vault", people: "dict[str, User]", number: int, version: uuid.UUID) -> "Certificate":
    from django.utils import timezone

    from vault.models import Certificate

    days = 10 if number % 20 == 3 else 31 + number * 7919 % 600
    return Certificate(
        vault=vault,
        name=name(number),
        owner=people[REQUESTER if number % 100 == 11 else OFFICER],
        policy=_policy(),
        issuer_name="Unknown" if number % 50 == 1 else "Self",
        current_id=version,
        expires_at=timezone.now() + timedelta(days=days, seconds=number),
    )


def _facts(number: int, certificate: "Certificate") -> dict[str, Any]:
    hexadecimal = digits(number)
    return {
        "number": 1,
        "der": _DER,
        "chain": _CHAIN,
        "content_type": "application/x-pkcs12",
        "serial": hexadecimal[:32].lstrip("0"),
        "thumbprint_sha1": hexadecimal[:40],
        "thumbprint_sha256": hexadecimal,
        "subject": f"CN={host(number)}",
        "issuer": f"CN={host(number)}",
        "key_title": "EC P-256",
        "not_before": certificate.created_at,
        "not_after": certificate.expires_at,
        "enabled": number % 100 != 13,
    }


def _names(versions: "list[Any]", numbers: range) -> "list[VersionName]":
    from vault.models import VersionName

    rows = []
    for number, version in zip(numbers, versions, strict=True):
        first = host(number)
        rows += VersionName.of(version, [("cn", first), ("dns", first), ("dns", f"www.{first}")])
    return rows


def _operations(vault: "Vault", people: "dict[str, User]", numbered: "dict[int, Certificate]") -> "list[Operation]":
    from vault.models import Operation

    rows = []
    for number, certificate in numbered.items():
        facts = {
            "vault": vault,
            "certificate": certificate,
            "policy": certificate.policy,
            "csr": b"\x30" * 400,
            "requested_by": people[OFFICER],
        }
        ended = "failed" if number % 100 == 17 else "completed"
        rows.append(Operation(**facts, issuer_name=certificate.issuer_name, status=ended, step="done"))
        if number % 100 == 19:
            rows.append(Operation(**facts, issuer_name="Unknown", step="awaiting_merge"))
        if number % 100 == 23:
            rows.append(Operation(**facts, issuer_name="Self", step="ordered"))
    return rows


def _policy() -> Any:
    from portal.forms.initial import FRESH

    return FRESH
