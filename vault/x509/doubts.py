"""What is lawful in a certificate, and a person should know all the same: each doubt with a code and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from vault.x509 import asn1, extensions
from vault.x509.certificates import facts
from vault.x509.describing import knows
from vault.x509.namechecks import shortest_ip
from vault.x509.requests import load_csr
from vault.x509.visible import display, shown

if TYPE_CHECKING:
    from vault.models.policy import AlternativeNames
    from vault.x509.chains import Chain

FEW_DAYS = timedelta(days=30)
_NO_END = 9999
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class CertificateWarning:
    """Something lawful that a person should know: a stable code, a sentence, and the names it is about."""

    code: str
    sentence: str
    names: tuple[str, ...] = ()


def moment_text(moment: datetime) -> str:
    """`5 March 2027 at 12:00 UTC`."""
    return f"{moment.day} {moment:%B %Y at %H:%M} UTC"


def _by_meaning(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names for showing, each under the form in which two spellings of it are equal."""
    return {_comparable(kind, value): display(value) for kind, value in names}


def _comparable(kind: str, value: str) -> str:
    if kind == "dns":
        return value.lower().removesuffix(".")
    if kind == "email":
        local, _, domain = value.rpartition("@")
        return f"email:{local}@{domain.lower()}"
    if kind == "ip":
        return f"ip:{shortest_ip(value) or value}"  # a subnet, which is none, stays as it is
    return f"{kind}:{value}"


def about_names(leaf_der: bytes, expected: AlternativeNames) -> Iterable[CertificateWarning]:
    """Names that were asked for and are missing, and those that nobody asked for."""
    given, wanted = _by_meaning(facts(leaf_der).names), _by_meaning(expected.pairs())
    missing = tuple(name for meaning, name in wanted.items() if meaning not in given)
    added = tuple(name for meaning, name in given.items() if meaning not in wanted)
    if missing:
        sentence = f"Names that were asked for are missing: {_listed(missing)}. Clients will refuse them."
        yield CertificateWarning(code="names-missing", sentence=sentence, names=missing)
    if added:
        sentence = f"The CA added names that were not asked for: {_listed(added)}."
        yield CertificateWarning(code="names-added", sentence=sentence, names=added)


def about_no_names(leaf_der: bytes) -> Iterable[CertificateWarning]:
    """No alternative names at all."""
    if not facts(leaf_der).names:
        sentence = "The certificate holds no alternative names; browsers look nowhere else for a host name."
        yield CertificateWarning(code="no-names", sentence=sentence)


def about_a_ca(found: Sequence[asn1.Extension]) -> Iterable[CertificateWarning]:
    """A key that may sign certificates."""
    if extensions.is_ca(found):
        sentence = "This is a CA certificate: whoever can use its key can sign certificates for any name."
        yield CertificateWarning(code="is-ca", sentence=sentence)


def _without(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(name for name in dict.fromkeys(names) if name not in known)


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(shown(name) for name in names[:_LISTED])
    return text if len(names) <= _LISTED else f"{text} and {len(names) - _LISTED} more"


def about_dates(certificate: x509.Certificate, now: datetime) -> Iterable[CertificateWarning]:
    """Not yet valid, or without an end."""
    if certificate.not_valid_before_utc > now:
        sentence = f"The certificate is not valid before {moment_text(certificate.not_valid_before_utc)}."
        yield CertificateWarning(code="not-yet-valid", sentence=sentence)
    if certificate.not_valid_after_utc.year >= _NO_END:
        sentence = "The certificate has no end: its last day is in the year 9999 (RFC 5280 §4.1.2.5)."
        yield CertificateWarning(code="no-end", sentence=sentence)


def about_few_days(certificate: x509.Certificate, now: datetime) -> Iterable[CertificateWarning]:
    """Less than a third of its life and less than 30 days left; nothing once it has expired."""
    left = certificate.not_valid_after_utc - now
    if (
        timedelta(0) <= left < FEW_DAYS
        and left < (certificate.not_valid_after_utc - certificate.not_valid_before_utc) / 3
    ):
        when = "today" if left.days < 1 else "in 1 day" if left.days == 1 else f"in {left.days} days"
        yield CertificateWarning(code="few-days", sentence=f"The certificate expires {when}.")


def about_usages(found: Sequence[asn1.Extension], csr_der: bytes) -> Iterable[CertificateWarning]:
    """Extended key usages that were asked for and are missing."""
    asked = extensions.extended_key_usages(asn1.request_extensions(load_csr(csr_der).tbs_certrequest_bytes))
    missing = _without(asked, extensions.extended_key_usages(found))
    if missing:
        sentence = f"Extended key usages that were asked for are missing: {_listed(missing)}."
        yield CertificateWarning(code="ekus-missing", sentence=sentence, names=missing)


def about_critical(found: Sequence[asn1.Extension]) -> Iterable[CertificateWarning]:
    """Critical extensions that many clients do not know."""
    unknown = tuple(one.oid for one in found if one.critical and not knows(one.oid))
    if unknown:
        sentence = f"The certificate has critical extensions that many clients do not know: {_listed(unknown)}."
        yield CertificateWarning(code="unknown-critical", sentence=sentence, names=unknown)


def about_chain(chain: Chain | None) -> Iterable[CertificateWarning]:
    """A chain that is missing, does not reach a root, or did not take all; None gives nothing."""
    if chain is None:
        return
    if not chain.certificates and not chain.complete:
        sentence = "No certificate of the CA came with it. Servers need the intermediate: ask the CA for its chain."
        yield CertificateWarning(code="no-chain", sentence=sentence)
    elif not chain.complete:
        sentence = "The chain does not reach a root. That is usual for public CAs; others may need the missing part."
        yield CertificateWarning(code="chain-incomplete", sentence=sentence)
    if chain.ignored:
        number = len(chain.ignored)
        sentence = (
            f"{number} {'certificate does' if number == 1 else 'certificates do'} not belong to the chain and stay out."
        )
        yield CertificateWarning(code="chain-ignored", sentence=sentence)
