"""What a policy's form holds before anyone has touched it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portal.forms import choices, texts
from portal.forms.purposes import OTHER, PURPOSES, purpose_of
from vault import policies
from vault.models.policy import PKCS12, SELF, LifetimeAction, LifetimeActionType, Policy

# What a new request starts from.
FRESH = Policy(
    key=choices.KEYS["EC P-256"],
    key_usage=PURPOSES["server"].usages("EC"),
    ekus=PURPOSES["server"].ekus,
    content_type=PKCS12,
    issuer_name=SELF,
)


def initial_from(policy: Policy) -> dict[str, Any]:
    """What the form's fields hold for a policy."""
    subject = policy.subject
    usual = texts.usual_subject(policy.names)
    purpose = purpose_of(policy)
    explicit = purpose == OTHER
    return {
        "purpose": purpose,
        "key_usage": list(policy.key_usage) if explicit else [],
        "ekus": "\n".join(policy.ekus) if explicit else "",
        "names": texts.write_names(policy.names)[0],
        "keep_names": True,
        "subject": "" if subject == usual else subject,
        "no_subject": bool(usual and not subject),
        "issuer": policy.issuer_name,
        "certificate_type": policy.certificate_type,
        "validity_number": policy.validity.number,
        "validity_unit": policy.validity.unit,
        "key": policy.key.title,
        "exportable": policy.key.exportable,
        "reuse": policy.key.reuse,
        "content_type": policy.content_type,
        **_initial_renewal(policy),
    }


def _initial_renewal(policy: Policy) -> dict[str, Any]:
    renew = _rule_of(policy, LifetimeActionType.AUTO_RENEW)
    tell = _rule_of(policy, LifetimeActionType.EMAIL_CONTACTS)
    usual = policies.with_defaults(replace(policy, lifetime_actions=())).lifetime_actions
    if policy.lifetime_actions in {(), usual}:
        chosen = choices.USUAL
    elif renew and tell:
        chosen = choices.BOTH
    else:
        chosen = choices.RENEW if renew else choices.TELL
    return {"renewal": chosen, **_initial_rule("renew", renew), **_initial_rule("tell", tell)}


def _rule_of(policy: Policy, action: LifetimeActionType) -> LifetimeAction | None:
    return next((rule for rule in policy.lifetime_actions if rule.action == action), None)


def _initial_rule(name: str, rule: LifetimeAction | None) -> dict[str, Any]:
    if rule is not None and rule.days_before_expiry is not None:
        return {f"{name}_number": rule.days_before_expiry, f"{name}_unit": choices.DAYS}
    percentage = rule.lifetime_percentage if rule else policies.DEFAULT_PERCENTAGE
    return {f"{name}_number": percentage, f"{name}_unit": choices.PERCENTAGE}
