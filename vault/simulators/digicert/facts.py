"""What the stand-in knows besides orders: one account, its user, its organisation, its products."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

API_KEY = "REHEARSAL-ONLY"
ACCOUNT, ORGANISATION, USER, CONTAINER = 1122334, 112233, 98123, 55501
PRODUCTS = {
    "ssl_basic": "Basic OV",
    "ssl_securesite_flex": "Secure Site OV",
    "ssl_ev_basic": "Basic EV",
    "ssl_ev_securesite_flex": "Secure Site EV",
    "private_ssl_plus": "Private SSL",
}
_DAY = timedelta(days=1)
_CONTAINER = {"id": CONTAINER, "name": "Rehearsal AB", "is_active": True}
_CAS = [{"id": "A1", "name": "Rehearsal Issuing CA"}]
_USER = {
    "id": USER,
    "username": "pki-api",
    "first_name": "Ada",
    "last_name": "Lind",
    "email": "pki@example.com",
    "account": {"id": ACCOUNT},
    "container": {"id": CONTAINER, "name": "Rehearsal AB"},
    "access_roles": [{"id": 1, "name": "Administrator"}],
    "status": "active",
}


def looked_up(noun: str, rest: Sequence[str], *, ev: bool) -> dict[str, Any] | None:
    """Answer GET /user, /organization, /product and /container; None for what does not exist."""
    match [noun, *rest]:
        case ["user", "me"]:
            return _USER
        case ["organization"]:
            return {"organizations": [_organisation(ev=ev)]}
        case ["organization", number] if number == str(ORGANISATION):
            return _organisation(ev=ev)
        case ["product"]:
            return {"products": [_product(name) for name in PRODUCTS]}
        case ["product", name] if name in PRODUCTS:
            return {**_product(name), "allowed_ca_certs": _CAS}
        case ["container"]:
            return {"containers": [_CONTAINER]}
        case ["container", number] if number == str(CONTAINER):
            return _CONTAINER
    return None


def stamp(moment: datetime) -> str:
    """A time as CertCentral writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def in_days(days: int) -> datetime:
    """So many days from now."""
    return datetime.now(UTC) + days * _DAY


def _organisation(*, ev: bool) -> dict[str, Any]:
    until = stamp(in_days(397))
    kinds = ("ov", "ev") if ev else ("ov",)
    validations = [{"type": kind, "status": "active", "validated_until": until} for kind in kinds]
    facts = {"id": ORGANISATION, "name": "Rehearsal AB", "city": "Stockholm", "country": "se", "status": "active"}
    return {**facts, "validations": validations}


def _product(name: str) -> dict[str, Any]:
    kind = "private_ssl_certificate" if name.startswith("private") else "ssl_certificate"
    return {"name_id": name, "name": PRODUCTS[name], "type": kind}
