"""What a policy may ask for: small pure checks, run in order.

Allowed values and defaults are those of the key vault's certificates API (CertificatePolicy, api-version 7.x).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from vault.errors import BadParameter, PolicyViolation
from vault.models.policy import (
    KEY_USAGES,
    PEM_FILE,
    PKCS12,
    UNKNOWN,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)
from vault.x509.dates import validity_months
from vault.x509.names import check_names, parse_subject
from vault.x509.visible import shown

RSA_SIZES = (2048, 3072, 4096)
CURVES = ("P-256", "P-384", "P-521", "P-256K")
MOST_MONTHS = 1200
MOST_DAYS = 36_500
MOST_EKUS = 50
MOST_TAGS, LONGEST_TAG = 15, 512
DEFAULT_PERCENTAGE = 80
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,15})){1,30}\Z")


def check(policy: Policy) -> None:
    """Refuse a policy that contradicts itself or our rules. Raises PolicyViolation or BadName, with `field` set."""
    for rule in _RULES:
        rule(policy)


def with_defaults(policy: Policy) -> Policy:
    """Fill in the lifetime action that the issuer calls for when none is given: at 80 %, renew, or tell people."""
    if policy.lifetime_actions:
        return policy
    by_hand = policy.issuer_name == UNKNOWN
    action = LifetimeActionType.EMAIL_CONTACTS if by_hand else LifetimeActionType.AUTO_RENEW
    rule = LifetimeAction(action=action, lifetime_percentage=DEFAULT_PERCENTAGE)
    return replace(policy, lifetime_actions=(rule,))


def check_certificate_type(policy: Policy, *, offered: Sequence[str]) -> None:
    """Refuse a certificate type that the issuer does not offer. Raises PolicyViolation."""
    kind = policy.certificate_type
    if not kind or kind in offered:
        return
    types = f"Choose {' or '.join(offered)}, or leave it out." if offered else "Leave it out."
    message = f"“{shown(kind)}” is not a certificate type of the issuer “{policy.issuer_name}”. {types}"
    raise PolicyViolation(message, field="certificate_type")


def check_tags(tags: dict[str, str]) -> None:
    """Refuse more than 15 tags, names or values over 512 characters, and control characters. Raises BadParameter."""
    if len(tags) > MOST_TAGS:
        raise BadParameter(f"These are {len(tags)} tags. Keep at most {MOST_TAGS}.", field="tags")
    for name, value in tags.items():
        if not name:
            raise BadParameter("A tag has no name. Write tags like team=payments.", field="tags")
        if len(name) > LONGEST_TAG or len(value) > LONGEST_TAG:
            message = f"The tag “{shown(name)}” is too long. Names and values have at most {LONGEST_TAG} characters."
            raise BadParameter(message, field="tags")
        if not (name + value).isprintable():
            raise BadParameter("A tag holds a control character. Remove it.", field="tags")


def _key(policy: Policy) -> None:
    key = policy.key
    if key.kty == "RSA":
        if key.size not in RSA_SIZES:
            sizes = ", ".join(map(str, RSA_SIZES))
            raise PolicyViolation(f"RSA keys of {key.size} bits are not made here. Choose {sizes}.", field="key")
    elif key.kty == "EC":
        if key.curve not in CURVES:
            curves = ", ".join(CURVES)
            raise PolicyViolation(f"“{key.curve}” is not a curve we make keys on. Choose {curves}.", field="key")
    else:
        raise PolicyViolation(f"“{key.kty}” is not a key type we make. Choose RSA or EC.", field="key")


def _names(policy: Policy) -> None:
    parse_subject(policy.subject)
    check_names(policy.names)
    if not policy.subject and not policy.names:
        message = "There is neither a name nor a subject. Give at least one name, like www.example.org."
        raise PolicyViolation(message, field="names")


def _usages(policy: Policy) -> None:
    for usage in policy.key_usage:
        if usage not in KEY_USAGES:
            message = f"“{shown(usage)}” is not a key usage. Choose from: {', '.join(KEY_USAGES)}."
            raise PolicyViolation(message, field="key_usage")
    if len(policy.ekus) > MOST_EKUS:
        message = f"These are {len(policy.ekus)} extended key usages. Keep at most {MOST_EKUS}."
        raise PolicyViolation(message, field="ekus")
    for eku in policy.ekus:
        first_two = [int(arc) for arc in eku.split(".")[:2]] if _OID.match(eku) else []
        if not first_two or (first_two[0] < 2 and first_two[1] > 39):
            message = f"“{shown(eku)}” is not an object identifier. Write it like 1.3.6.1.5.5.7.3.1."
            raise PolicyViolation(message, field="ekus")


def _content_type(policy: Policy) -> None:
    if policy.content_type not in {PKCS12, PEM_FILE}:
        message = f"“{shown(policy.content_type)}” is not a format we keep secrets in. Choose {PKCS12} or {PEM_FILE}."
        raise PolicyViolation(message, field="content_type")


def _validity(policy: Policy) -> None:
    number, unit = policy.validity.number, policy.validity.unit
    most = MOST_MONTHS if unit == "months" else MOST_DAYS
    if not 1 <= number <= most:
        raise PolicyViolation(f"A validity of {number} {unit} is not possible. Choose 1 to {most}.", field="validity")


def _lifetime_actions(policy: Policy) -> None:
    actions = [rule.action for rule in policy.lifetime_actions]
    if len(set(actions)) < len(actions):
        message = "There are two renewal rules of the same kind. Keep one of each."
        raise PolicyViolation(message, field="lifetime_actions")
    for rule in policy.lifetime_actions:
        _lifetime_action(rule, policy)


def _lifetime_action(rule: LifetimeAction, policy: Policy) -> None:
    percentage, days = rule.lifetime_percentage, rule.days_before_expiry
    most_days = _most_days_before_expiry(policy.validity)
    if (percentage is None) == (days is None):
        message = "A renewal rule needs either a share of the lifetime or a number of days before expiry."
    elif percentage is not None and not 1 <= percentage <= 99:
        message = f"{percentage} % of the lifetime is not possible. Choose 1 to 99."
    elif days is not None and not 1 <= days <= most_days:
        message = f"{days} days before expiry do not fit a validity of {policy.validity}. Choose 1 to {most_days}."
    elif rule.action == LifetimeActionType.AUTO_RENEW and policy.issuer_name == UNKNOWN:
        message = (
            "A certificate from a CA that the portal does not know cannot renew by itself. "
            "Choose to have people told instead."
        )
    else:
        return
    raise PolicyViolation(message, field="lifetime_actions")


def _most_days_before_expiry(validity: Validity) -> int:
    by_months = 27 * validity_months(validity.number, validity.unit)
    return by_months if validity.unit == "months" else max(1, min(by_months, validity.number - 1))


_RULES: tuple[Callable[[Policy], None], ...] = (
    _key,
    _names,
    _usages,
    _content_type,
    _validity,
    _lifetime_actions,
)
