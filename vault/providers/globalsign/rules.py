"""What Managed SSL does not issue, looked at before anything is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from cryptography.x509.oid import NameOID

from vault.providers.base import CertRequest, InvalidRequest
from vault.providers.globalsign.account import EV, OV, TITLE, Account
from vault.x509.dates import most_days
from vault.x509.requests import describe_csr, load_csr
from vault.x509.visible import shown

# From this day on a public TLS certificate has at most so many days, one less than allowed (CA/B Baseline §6.3.2).
_LIMITS: Final = ((date(2029, 3, 15), 46), (date(2027, 3, 15), 99), (date.min, 199))
_USUAL_KEYS: Final = frozenset({"RSA 2048", "RSA 3072", "RSA 4096", "EC P-256", "EC P-384"})


def common_name(request: CertRequest) -> str:
    """The last common name in the request's subject (lower case): GlobalSign reads it there; "" for none."""
    found = load_csr(request.csr).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value).lower() if found else ""


def longest_days(now: datetime) -> int:
    """The most days that a certificate issued now is valid for."""
    return next(days for since, days in _LIMITS if now.date() >= since)


def check(request: CertRequest, account: Account, now: datetime) -> Sequence[str]:
    """Doubts about a request. Raises InvalidRequest."""
    _check_type(request, account)
    _check_names(request, account)
    _check_contact(account)
    _check_months(account, now)
    doubts = []
    key = describe_csr(request.csr).key_title
    if key not in _USUAL_KEYS:
        doubts.append(f"{TITLE} may refuse the key: {key}. RSA 2048 to 4096, P-256 and P-384 are usual.")
    longest = longest_days(now)
    if request.validity_days and request.validity_days > longest + 1 and not account.intranet:
        doubts.append(f"{TITLE} issues for at most {longest} days; {request.validity_days} were asked for.")
    return doubts


def _check_type(request: CertRequest, account: Account) -> None:
    kind = request.certificate_type or OV
    if kind not in {OV, EV}:
        raise InvalidRequest(f"“{shown(kind)}” is not a certificate type of {TITLE}. Choose {OV} or {EV}.")
    if not account.product_for(kind):
        raise InvalidRequest(f"This issuer orders no certificates of type {kind}. Choose the other, or ask its keeper.")
    names = (common_name(request), *request.names.dns)
    if kind == EV and any(name.startswith("*.") for name in names):
        raise InvalidRequest(f"EV certificates hold no wildcards. Choose {OV}, or name each host.")


def _check_names(request: CertRequest, account: Account) -> None:
    if not common_name(request):
        first = request.names.dns[0] if request.names.dns else "www.example.org"
        message = (
            f"{TITLE} takes the common name from the subject, and there is none. Give one, like CN={shown(first)}."
        )
        raise InvalidRequest(message)
    others = (*request.names.email, *request.names.uri, *request.names.upn)
    if others:
        message = f"{TITLE}'s TLS certificates hold host names and addresses only. Leave out “{shown(others[0])}”."
        raise InvalidRequest(message)
    inside = [one for one in request.names.ip if not ipaddress.ip_address(one).is_global]
    if inside and not account.intranet:
        raise InvalidRequest(f"“{inside[0]}” is an internal address, which no public CA signs. Leave it out.")


def _check_months(account: Account, now: datetime) -> None:
    longest = longest_days(now)
    if not account.intranet and account.months and most_days(account.months) > longest:
        raise InvalidRequest(
            f"This issuer orders {account.months} months, and {TITLE} gives {longest} days at most. An administrator "
            "chooses fewer months, or exact dates, on the issuer's page."
        )


def _check_contact(account: Account) -> None:
    missing = lacking(account)
    if missing:
        message = f"{TITLE} asks for a contact, and its {' and '.join(missing)} is missing. Add it to the issuer."
        raise InvalidRequest(message)


def lacking(account: Account) -> list[str]:
    """What the contact of an issuer lacks, in words; GlobalSign asks for all four."""
    person = account.contact
    given = (("first name", person.first_name), ("last name", person.last_name))
    return [label for label, value in (*given, ("phone", person.phone), ("e-mail", person.email)) if not value]
