"""The policy that an imported certificate would have, where each part of it comes from, and what it leads to."""

import enum
from dataclasses import dataclass, replace
from typing import Any

from vault import policies
from vault.errors import PolicyViolation
from vault.lifecycle.importing.candidates import Candidate
from vault.models import Certificate
from vault.models.policy import SELF, UNKNOWN, AlternativeNames, KeyPolicy, LifetimeActionType, Policy, Validity
from vault.x509.asking import Asked, what_was_asked
from vault.x509.checks import CertificateWarning
from vault.x509.dates import validity_months
from vault.x509.visible import display

_FROM_POLICY = ("content_type", "issuer_name", "certificate_type", "transparency", "lifetime_actions")
_NONE = "none"


class Origin(enum.StrEnum):
    """Where a part of the proposed policy comes from."""

    CERTIFICATE = "certificate"
    POLICY = "policy"
    DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A part in which the certificate differs from the policy that its name has; all three in people's words."""

    field: str
    in_policy: str
    in_file: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A policy that passes the policy checks, to be shown and edited before the import.

    `origins` are by part: `subject`, `names`, `key` (type and size), `exportable`, `reuse`, `key_usage`, `ekus`,
    `validity`, `content_type`, `issuer_name`, `certificate_type`, `transparency`, `lifetime_actions`. `left_out` are
    sentences on what the certificate holds and a policy cannot ask for.
    """

    policy: Policy
    origins: dict[str, Origin]
    differences: tuple[Difference, ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[CertificateWarning, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What will happen by itself: `renews`, `notice-only` or `renews-self-signed`, a sentence, and the issuer."""

    code: str
    sentence: str
    issuer: str


def propose(candidate: Candidate, *, certificate: Certificate | None) -> Proposal:
    """Propose the policy: what is in the certificate from there, the rest from `certificate`'s policy, else defaults.

    A new name gets issuer Unknown with notices to people, whoever signed: nothing renews that nobody chose.
    """
    asked = what_was_asked(candidate.leaf)
    origins = dict.fromkeys(("subject", "names", "key", "key_usage", "ekus", "validity"), Origin.CERTIFICATE)
    before = certificate.policy if certificate else None
    policy = _policy(candidate, asked, before)
    rest = Origin.POLICY if before else Origin.DEFAULT
    origins |= dict.fromkeys(("exportable", "reuse", *_FROM_POLICY), rest)
    if not asked.subject and not asked.names:
        origins["subject"] = Origin.DEFAULT
    if before and policy.validity == before.validity:
        origins["validity"] = Origin.POLICY
    fitting = _with_fitting_actions(policy)
    if fitting.lifetime_actions != policy.lifetime_actions:
        origins["lifetime_actions"] = Origin.DEFAULT
    return Proposal(
        policy=fitting,
        origins=origins,
        differences=tuple(_differences(before, fitting)) if before else (),
        left_out=asked.left_out,
        warnings=tuple(_warnings(candidate, certificate)),
    )


def consequence(policy: Policy, *, self_signed: bool = False) -> Consequence:
    """Say what the policy will do by itself once the certificate is here; `self_signed` says that it signed itself."""
    renews = any(rule.action == LifetimeActionType.AUTO_RENEW for rule in policy.lifetime_actions)
    issuer = policy.issuer_name
    if not renews:
        return Consequence(code="notice-only", sentence=_notice(policy), issuer=issuer)
    if issuer != SELF:
        return Consequence(code="renews", sentence=f"It renews by itself with the issuer “{issuer}”.", issuer=issuer)
    if self_signed:
        sentence = "It renews by itself, self-signed as it is now."
        return Consequence(code="renews", sentence=sentence, issuer=issuer)
    sentence = (
        "As configured, this would renew as a self-signed certificate and replace yours, and clients would refuse it. "
        f"Choose “{UNKNOWN}” to have people told instead."
    )
    return Consequence(code="renews-self-signed", sentence=sentence, issuer=issuer)


def _notice(policy: Policy) -> str:
    told = "Only a notice will be sent: it does not renew by itself."
    if policy.issuer_name == SELF:
        return f"{told} A new version that someone asks for would be self-signed."
    return told


def _policy(candidate: Candidate, asked: Asked, before: Policy | None) -> Policy:
    start = before or Policy(issuer_name=UNKNOWN)
    return replace(
        start,
        key=_key(asked, start.key),
        subject=asked.subject or ("" if asked.names else f"CN={candidate.proposed_name[:64]}"),
        names=asked.names,
        key_usage=asked.key_usage,
        ekus=asked.ekus,
        validity=_validity(asked, before),
    )


def _key(asked: Asked, start: KeyPolicy) -> KeyPolicy:
    """The certificate's kind of key; the policy's own where no policy could ask for it."""
    if asked.kty is None:
        return start
    return KeyPolicy(kty=asked.kty, size=asked.size, curve=asked.curve, exportable=start.exportable, reuse=start.reuse)


def _validity(asked: Asked, before: Policy | None) -> Validity:
    """So many days; the policy's own words where they come to the same number of months."""
    days = max(1, min(asked.days, policies.MOST_DAYS))
    if before and _months(before.validity) == validity_months(days, "days"):
        return before.validity
    return Validity(number=days, unit="days")


def _months(validity: Validity) -> int:
    return validity_months(validity.number, validity.unit)


def _with_fitting_actions(policy: Policy) -> Policy:
    """The policy with the default rule where its own do not fit the new validity or issuer."""
    try:
        policies.check(policy)
    except PolicyViolation as violation:
        if violation.field != "lifetime_actions":
            raise
        policy = replace(policy, lifetime_actions=())
    return policies.with_defaults(policy)


def _differences(before: Policy, after: Policy) -> list[Difference]:
    old, new = _in_words(before), _in_words(after)
    return [Difference(field=part, in_policy=old[part], in_file=new[part]) for part in old if old[part] != new[part]]


def _in_words(policy: Policy) -> dict[str, str]:
    return {
        "Subject": display(policy.subject) or _NONE,
        "Names": _names(policy.names),
        "Key": policy.key.title,
        "Key usage": _listed(policy.key_usage),
        "Extended key usage": _listed(policy.ekus),
        "Validity": str(policy.validity),
    }


def _names(names: AlternativeNames) -> str:
    return ", ".join(sorted(value for _, value in names.pairs())) or _NONE


def _listed(values: Any) -> str:
    return ", ".join(sorted(values)) or _NONE


def _warnings(candidate: Candidate, certificate: Certificate | None) -> list[CertificateWarning]:
    current = certificate.current if certificate else None
    if current is None or current.not_after <= candidate.facts.not_after:
        return []
    sentence = f"Version {current.number}, the current one, is valid longer than this certificate."
    return [CertificateWarning(code="ends-sooner", sentence=sentence)]
