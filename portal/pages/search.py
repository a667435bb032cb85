"""What the search box of a vault's certificates means: conditions that an index answers.

`web` finds certificates whose name begins so, or that are for exactly that host; `shop.example.org` those for this
host, for hosts below it and for hosts that begin so; `*.example.org` those for hosts below it; a serial number or
thumbprint, with or without colons, the certificate with exactly that.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.pages.readable import SOON, version_state
from vault.models import Certificate, Version, VersionName
from vault.models.certificate import NAME, NEVER, CertificateQuerySet

LONGEST_QUERY = 300
STATES = {
    "enabled": "Enabled",
    "disabled": "Disabled",
    "expiring": "Expires soon",
    "within-7": "Expires within 7 days",
    "within-30": "Expires in 8 to 30 days",
    "within-90": "Expires in 31 to 90 days",
    "later": "Expires later",
    "expired": "Expired",
    "pending": "No version yet",
}
# States by days: those that expire after so many days and within so many.
SPANS = {"within-7": (0, 7), "within-30": (7, 30), "within-90": (30, 90)}
_FEW = 1000
_MOST_EXACT = 200
_SHORTEST_SERIAL = 8
_HEX = re.compile(r"[0-9a-f]{1,64}\Z")
_SHA1_DIGITS, _SHA256_DIGITS = 40, 64


def clean(text: str) -> str:
    """A query as it is looked for: without spaces around it and NUL characters in it, lower case, at most 300 long."""
    return text.replace("\x00", "").strip().lower()[:LONGEST_QUERY]


def matching(certificates: CertificateQuerySet, query: str) -> CertificateQuerySet:
    """Narrow `certificates` to those that a cleaned, non-empty query finds; asks the database once at most."""
    if query.startswith(("*.", ".")):
        return _for_hosts(certificates, _below(query.lstrip("*.")))
    digits = re.sub(r"[:\s]", "", query)
    if digits != query and _HEX.match(digits) and not _is_address(query):
        return certificates.filter(pk__in=_with_number(digits).values("certificate"))
    if NAME.match(query):
        return certificates.filter(Q(name_key__prefix=query) | Q(pk__in=_exactly(query)))
    wild = "*." + query.partition(".")[2]
    return _for_hosts(certificates, Q(folded__in=(query, wild)) | _below(query) | Q(folded__prefix=query))


def in_state(certificates: CertificateQuerySet, state: str) -> CertificateQuerySet:
    """Narrow `certificates` to those in one of STATES; all of them for another word."""
    moment = timezone.now()
    match state:
        case "enabled":
            return certificates.filter(current__enabled=True, expires_at__gt=moment)
        case "disabled":
            disabled = Version.objects.filter(enabled=False)
            return certificates.filter(pk__in=disabled.values("certificate"), current__enabled=False)
        case "expiring":
            return certificates.filter(expires_at__gt=moment, expires_at__lte=moment + SOON)
        case "expired":
            return certificates.filter(expires_at__lte=moment)
        case "later":
            return certificates.filter(expires_at__gt=moment + timedelta(days=90), expires_at__lt=NEVER)
        case "pending":
            return certificates.filter(expires_at=NEVER)
        case _ if state in SPANS:
            after, within = (timedelta(days=days) for days in SPANS[state])
            return certificates.filter(expires_at__gt=moment + after, expires_at__lte=moment + within)
        case _:
            return certificates


def state_of(certificate: Certificate) -> str:
    """The word for a certificate's state, one of STATES; the current version must be loaded."""
    return "pending" if certificate.current is None else version_state(certificate.current)


def _for_hosts(certificates: CertificateQuerySet, hosts: Q) -> CertificateQuerySet:
    """Those whose current version has such a name.

    Few names lead to their certificates. Many are looked for along the list, which ends where its page is full: going
    through all of them first would cost more than the page.
    """
    names = VersionName.objects.filter(hosts)
    few = list(names.values_list("certificate", "version")[: _FEW + 1])
    if len(few) <= _FEW:
        # By their ids: SQLite, without statistics, would go through the whole list for a few versions.
        ids, versions = {pk for pk, _ in few}, {version for _, version in few}
        return certificates.filter(pk__in=ids, current__in=versions)
    return certificates.filter(Exists(names.filter(version=OuterRef("current"))))


def _below(domain: str) -> Q:
    return Q(reversed__prefix=f".{domain}"[::-1])


def _exactly(word: str) -> list[int]:
    """Ids of certificates for exactly this host, or with this serial number or thumbprint; one query."""
    found = VersionName.objects.filter(folded=word).values_list("certificate", flat=True)
    if len(word) >= _SHORTEST_SERIAL and _HEX.match(word):
        found = found.union(_with_number(word).values_list("certificate", flat=True))
    return list(found[:_MOST_EXACT])


def _with_number(digits: str) -> QuerySet[Version]:
    if len(digits) == _SHA256_DIGITS:
        return Version.objects.filter(thumbprint_sha256=digits)
    serial = Q(serial=digits.lstrip("0"))
    if len(digits) == _SHA1_DIGITS:
        return Version.objects.filter(serial | Q(thumbprint_sha1=digits))
    return Version.objects.filter(serial)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
