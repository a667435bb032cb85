"""The validation policy of an Atlas credential, and the body of a request that fits it.

Each part of a name is REQUIRED, OPTIONAL, STATIC (Atlas puts it in) or FORBIDDEN; a list has a least and a most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.x509.oid import NameOID

from vault.providers.base import CertRequest, Rejected
from vault.providers.globalsign.account import TITLE
from vault.providers.web import words
from vault.x509.requests import csr_pem, load_csr

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
_OUR_HASH: Final = "SHA-256"
_PARTS: Final = {
    "common_name": NameOID.COMMON_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "organization_identifier": NameOID.ORGANIZATION_IDENTIFIER,
    "country": NameOID.COUNTRY_NAME,
    "state": NameOID.STATE_OR_PROVINCE_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "street_address": NameOID.STREET_ADDRESS,
    "postal_code": NameOID.POSTAL_CODE,
    "email": NameOID.EMAIL_ADDRESS,
    "serial_number": NameOID.SERIAL_NUMBER,
    "business_category": NameOID.BUSINESS_CATEGORY,
    "jurisdiction_of_incorporation_locality_name": NameOID.JURISDICTION_LOCALITY_NAME,
    "jurisdiction_of_incorporation_state_or_province_name": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME,
    "jurisdiction_of_incorporation_country_name": NameOID.JURISDICTION_COUNTRY_NAME,
}


def body(policy: Any, request: CertRequest, now: datetime) -> dict[str, Any]:
    """Write the request in the shape that the policy asks for.

    Raises Rejected: the policy asks for something that the request lacks, or forbids what cannot be left out.
    """
    if _at(policy, "public_key", "key_format") == "PKCS8":
        raise _unfit("wants bare keys (PKCS8), and the portal sends requests. Ask GlobalSign to change it to PKCS10")
    filled = {
        "validity": _validity(policy, request, now),
        "subject_dn": _subject(policy, request),
        "san": _names(policy, request),
        "extended_key_usages": _usages(policy, request),
        "public_key": csr_pem(request.csr),
        "signature": _signature(policy),
    }
    return {name: value for name, value in filled.items() if value}


def longest_days(policy: Any) -> int:
    """The most days that a certificate may be valid by this policy; 0 when it does not say."""
    seconds = _at(policy, "validity", "secondsmax")
    return seconds // 86_400 if isinstance(seconds, int) else 0


def fixed_organisation(policy: Any) -> str:
    """The organisation that the policy puts in; "" when it puts in none."""
    part = _at(policy, "subject_dn", "organization")
    return words(_at(part, "format")) if _at(part, "presence") == "STATIC" else ""


def _validity(policy: Any, request: CertRequest, now: datetime) -> dict[str, int]:
    """What was asked for if the policy allows it, else 0: its most."""
    wanted = (request.not_after - now) // timedelta(seconds=1)
    least, most = _at(policy, "validity", "secondsmin"), _at(policy, "validity", "secondsmax")
    fits = isinstance(least, int) and isinstance(most, int) and least <= wanted <= most
    start = int(now.timestamp())
    return {"not_before": start, "not_after": start + wanted if fits else 0}


def _subject(policy: Any, request: CertRequest) -> dict[str, Any]:
    """Parts of the request's subject, those that the policy lets us send."""
    rules = _at(policy, "subject_dn")
    subject = load_csr(request.csr).subject
    found: dict[str, Any] = {}
    for part, oid in _PARTS.items():
        values = [str(one.value) for one in subject.get_attributes_for_oid(oid)]
        if part == "common_name" and not values and _at(rules, part, "presence") == "REQUIRED":
            values = list(request.names.dns[:1])
        if value := _part(part, _at(rules, part), values):
            found[part] = value
    return found


def _part(part: str, rule: Any, values: Sequence[str]) -> str | list[str]:
    title = part.replace("_", " ")
    if "presence" not in (rule if isinstance(rule, Mapping) else {}):
        return _listed(title, rule, values)
    presence = rule["presence"]
    if presence == "REQUIRED" and not values:
        raise _unfit(f"requires the subject's {title}, and the request has none. Add it to the subject")
    return values[-1] if values and presence in {"REQUIRED", "OPTIONAL"} else ""


def _names(policy: Any, request: CertRequest) -> dict[str, list[str]]:
    kinds = {
        "dns_names": request.names.dns,
        "emails": request.names.email,
        "ip_addresses": request.names.ip,
        "uris": request.names.uri,
    }
    found: dict[str, list[str]] = {}
    for kind, values in kinds.items():
        rule = _at(policy, "san", kind)
        if values and rule is None:
            raise _unfit(f"allows no {kind.replace('_', ' ')}. Leave out “{words(values[0], most=60)}”")
        if listed := _listed(kind.replace("_", " "), rule, values):
            found[kind] = listed
    if request.names.upn:
        raise _unfit("allows no user principal names. Leave them out")
    return found


def _listed(title: str, rule: Any, values: Sequence[str]) -> list[str]:
    """Values for a part that may come several times; what is static is not sent."""
    if not isinstance(rule, Mapping) or rule.get("static"):
        return []
    least, most = rule.get("mincount", 0), rule.get("maxcount", 0)
    if len(values) > most:
        one_too_many = words(values[most], most=60)
        raise _unfit(f"allows at most {most} {title}, and there are {len(values)}. Leave out “{one_too_many}”")
    if len(values) < least:
        raise _unfit(f"requires at least {least} {title}, and there are {len(values)}. Add what is missing")
    return list(values)


def _usages(policy: Any, request: CertRequest) -> list[str]:
    """The asked-for extended key usages that the policy lets through, when it lets us choose."""
    rule = _at(policy, "extended_key_usages", "ekus")
    if not isinstance(rule, Mapping) or rule.get("static"):
        return []
    allowed = [str(pattern) for pattern in rule.get("list") or []]
    wanted = [one for one in request.ekus or (SERVER_AUTH,) if _matches(one, allowed)]
    return wanted[: rule.get("maxcount", 0)]


def _matches(oid: str, patterns: Sequence[str]) -> bool:
    """Whether an OID fits one of a policy's patterns; what is no pattern fits nothing."""
    for pattern in patterns:
        try:
            if len(pattern) <= 200 and re.search(pattern, oid):
                return True
        except re.error:
            continue
    return False


def _signature(policy: Any) -> dict[str, str]:
    rule = _at(policy, "signature", "hash_algorithm")
    if _at(rule, "presence") not in {"REQUIRED", "OPTIONAL"}:
        return {}
    choices = [str(one) for one in _at(rule, "list") or [_OUR_HASH]]
    return {"hash_algorithm": _OUR_HASH if _OUR_HASH in choices else choices[0]}


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _unfit(what: str) -> Rejected:
    return Rejected(f"{TITLE}: the validation policy of this credential {what}. Nothing was ordered.")
