"""Policies as the wire has them, and back.

A policy holds more than the wire shows: a validity in days appears as months, rounded up. What a client was shown and
sends back must change nothing, so everything that arrives is compared with what is shown.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from portal.api.ids import Ids
from portal.api.models import policy as wire
from vault.errors import PolicyViolation
from vault.models import Certificate
from vault.models.policy import (
    SELF,
    AlternativeNames,
    KeyPolicy,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)
from vault.x509.dates import validity_months
from vault.x509.visible import shown as visible

_BITS: Final = {"P-256": 256, "P-384": 384, "P-521": 521, "P-256K": 256}
_CURVES: Final = {256: "P-256", 384: "P-384", 521: "P-521"}
PLATFORM: Final = "PlatformManaged"
_MOST_PLATFORM: Final = 4000
_PLATFORM: Final = Policy(
    issuer_name=SELF,
    validity=Validity(number=6, unit="months"),
    lifetime_actions=(LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=50),),
)
_ACTIONS: Final = {action.value.lower(): action for action in LifetimeActionType}


def asked(given: wire.CertificatePolicy, *, name: str) -> Policy:
    """Return the policy that is asked for, with the key vault's defaults where nothing is said. Raises BadParameter.

    What “the platform manages” needs no subject and no issuer: the platform is this portal, which signs it itself.
    """
    return patched(replace(_PLATFORM, subject=f"CN={name[:64]}") if given.platform_managed else Policy(), given)


def patched(policy: Policy, given: wire.CertificatePolicy) -> Policy:
    """Return the policy with what was given merged into it, deeply: absent and empty objects keep what is there.

    Raises PolicyViolation; the result is yet to be checked.
    """
    x509 = given.x509_props or wire.X509Properties()
    issuer = given.issuer or wire.IssuerParameters()
    secret = given.secret_props or wire.SecretProperties()
    _refuse_ca(x509)
    return replace(
        policy,
        key=_key(policy.key, given.key_props or wire.KeyProperties()),
        content_type=secret.content_type or policy.content_type,
        subject=policy.subject if x509.subject is None else x509.subject,
        names=_names(policy.names, x509.sans or wire.SubjectAlternativeNames()),
        key_usage=policy.key_usage if x509.key_usage is None else tuple(x509.key_usage),
        ekus=policy.ekus if x509.ekus is None else tuple(x509.ekus),
        validity=_validity(policy.validity, x509.validity_months),
        issuer_name=_issuer(policy, issuer.name),
        certificate_type=policy.certificate_type if issuer.cty is None else issuer.cty,
        transparency=policy.transparency if issuer.cert_transparency is None else issuer.cert_transparency,
        lifetime_actions=policy.lifetime_actions if given.lifetime_actions is None else _actions(given),
        platform_managed=_platform(given) or policy.platform_managed,
    )


def shown(certificate: Certificate, ids: Ids) -> wire.CertificatePolicy:
    """A certificate's policy as the wire has it."""
    policy = certificate.policy
    issuer = wire.IssuerParameters(
        name=shown_issuer(policy), cty=policy.certificate_type or None, cert_transparency=policy.transparency
    )
    attributes = wire.PolicyAttributes(
        enabled=True,
        created=int(certificate.created_at.timestamp()),
        updated=int(certificate.policy_updated_at.timestamp()),
    )
    return wire.CertificatePolicy(
        id=ids.policy(certificate.name),
        key_props=_shown_key(policy.key),
        secret_props=wire.SecretProperties(content_type=policy.content_type),
        x509_props=_shown_x509(policy),
        lifetime_actions=[_shown_action(rule) for rule in policy.lifetime_actions],
        issuer=issuer,
        attributes=attributes,
        platform_managed=json.loads(policy.platform_managed) if policy.platform_managed else None,
    )


def shown_issuer(policy: Policy) -> str:
    """The issuer as the wire names it."""
    return PLATFORM if policy.platform_managed else policy.issuer_name


# ------------------------------------------------------------------- coming in
def _key(key: KeyPolicy, given: wire.KeyProperties) -> KeyPolicy:
    kty = _kty(given.kty) or ("EC" if given.crv else key.kty)
    common = replace(
        key,
        exportable=key.exportable if given.exportable is None else given.exportable,
        reuse=key.reuse if given.reuse_key is None else given.reuse_key,
    )
    if kty == "EC":
        return replace(common, kty="EC", size=None, curve=_curve(key, given))
    if given.crv:
        raise _bad(f"An RSA key has no curve, but crv is “{visible(given.crv)}”.")
    size = given.key_size or (key.size if key.kty == "RSA" else 2048)
    return replace(common, kty="RSA", size=size, curve=None)


def _kty(given: str | None) -> str:
    kind = (given or "").upper()
    if kind in {"RSA-HSM", "EC-HSM"}:
        message = f"Keys of type {kind} live in a hardware module, which this vault has none of. Use {kind[:-4]}."
        raise _bad(message)
    if kind not in {"", "RSA", "EC"}:
        raise _bad(f"“{visible(given or '')}” is not a key type. Use RSA or EC.")
    return kind


def _curve(key: KeyPolicy, given: wire.KeyProperties) -> str:
    """The curve that is named, else the one of the size; what is there already stays."""
    if given.crv:
        return given.crv.upper()
    if given.key_size is None:
        return key.curve or "P-256"
    if key.curve is not None and _BITS.get(key.curve) == given.key_size:
        return key.curve
    if given.key_size not in _CURVES:
        raise _bad(f"There is no curve of {given.key_size} bits. Use 256, 384 or 521.")
    return _CURVES[given.key_size]


def _names(names: AlternativeNames, given: wire.SubjectAlternativeNames) -> AlternativeNames:
    kinds = {
        "dns": given.dns_names,
        "emails": given.emails,
        "upns": given.upns,
        "uris": given.uris,
        "ips": given.ip_addresses,
    }
    return replace(names, **{kind: tuple(values) for kind, values in kinds.items() if values is not None})


def _validity(validity: Validity, months: int | None) -> Validity:
    if months is None or months == validity_months(validity.number, validity.unit):
        return validity
    return Validity(number=months, unit="months")


def _refuse_ca(x509: wire.X509Properties) -> None:
    if x509.basic_constraints is not None and x509.basic_constraints.ca:
        message = "Certificates of CAs are not issued here. Leave ca out, or send false."
        raise _bad(message)


def _issuer(policy: Policy, given: str | None) -> str:
    """The issuer that is given; the name under which the wire shows the platform is no issuer, and changes nothing."""
    return policy.issuer_name if not given or given.lower() == PLATFORM.lower() else given


def _platform(given: wire.CertificatePolicy) -> str:
    text = json.dumps(given.platform_managed, sort_keys=True) if given.platform_managed else ""
    if len(text) > _MOST_PLATFORM:
        raise _bad(f"platformManaged is too long: {_MOST_PLATFORM} characters at most.")
    return text


def _actions(given: wire.CertificatePolicy) -> tuple[LifetimeAction, ...]:
    return tuple(_action(rule) for rule in given.lifetime_actions or ())


def _action(rule: wire.LifetimeAction) -> LifetimeAction:
    named = (rule.action.action_type if rule.action else None) or ""
    action = _ACTIONS.get(named.lower())
    if action is None:
        message = f"“{visible(named)}” is not an action. Use AutoRenew or EmailContacts."
        raise _bad(message)
    trigger = rule.trigger or wire.Trigger()
    return LifetimeAction(
        action=action,
        lifetime_percentage=trigger.lifetime_percentage,
        days_before_expiry=trigger.days_before_expiry,
    )


def _bad(message: str) -> PolicyViolation:
    return PolicyViolation(message, field="policy")


# ------------------------------------------------------------------- going out
def _shown_key(key: KeyPolicy) -> wire.KeyProperties:
    size = key.size if key.kty == "RSA" else _BITS.get(key.curve or "")
    return wire.KeyProperties(exportable=key.exportable, kty=key.kty, key_size=size, reuse_key=key.reuse, crv=key.curve)


def _shown_x509(policy: Policy) -> wire.X509Properties:
    names = policy.names
    return wire.X509Properties(
        subject=policy.subject,
        sans=wire.SubjectAlternativeNames(
            dns_names=list(names.dns) or None,
            emails=list(names.emails) or None,
            upns=list(names.upns) or None,
            uris=list(names.uris) or None,
            ip_addresses=list(names.ips) or None,
        ),
        ekus=list(policy.ekus),
        key_usage=list(policy.key_usage),
        validity_months=validity_months(policy.validity.number, policy.validity.unit),
        basic_constraints=wire.BasicConstraints(ca=False),
    )


def _shown_action(rule: LifetimeAction) -> wire.LifetimeAction:
    trigger = wire.Trigger(lifetime_percentage=rule.lifetime_percentage, days_before_expiry=rule.days_before_expiry)
    return wire.LifetimeAction(trigger=trigger, action=wire.Action(action_type=rule.action.value))
