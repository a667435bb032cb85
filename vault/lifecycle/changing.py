"""Changing what can be changed: the policy of the next version, tags, people, and whether a version is in use."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from vault import policies
from vault.errors import BadParameter, PolicyViolation
from vault.lifecycle import issuing, retiring
from vault.models import Certificate, Version
from vault.models.audit import Actor, record
from vault.models.policy import LifetimeActionType, Policy


def change_policy(*, certificate: Certificate, policy: Policy, by: Actor) -> None:
    """Let another policy rule the next version; issues nothing. Raises PolicyViolation, BadName."""
    complete = issuing.prepare(certificate.vault, policy)
    _refuse_renewal_without_key(certificate, complete)
    before = certificate.policy.to_json()
    changed = sorted(name for name, value in complete.to_json().items() if before[name] != value)
    with transaction.atomic():
        certificate.adopt_policy(complete)
        target = f"certificates/{certificate.name}"
        record("certificates/update-policy", target, by=by, vault=certificate.vault, details={"changed": changed})


def key_is_elsewhere(certificate: Certificate) -> bool:
    """Whether the private key was never here, so that no new version can be made without a person's request."""
    if certificate.current is not None:
        return certificate.current.key_id is None
    latest = certificate.operations.filter(deleted_at__isnull=True).order_by("-id").only("key").first()
    return latest is not None and latest.key_is_elsewhere


def _refuse_renewal_without_key(certificate: Certificate, policy: Policy) -> None:
    if _renews(policy) and key_is_elsewhere(certificate):
        raise PolicyViolation(
            f"The private key of “{certificate}” is not in this vault, so that it cannot be renewed automatically. "
            "Choose to have people told instead.",
            field="lifetime_actions",
        )


def _renews(policy: Policy) -> bool:
    return any(rule.action == LifetimeActionType.AUTO_RENEW for rule in policy.lifetime_actions)


def change_tags(*, certificate: Certificate, tags: dict[str, str], by: Actor) -> None:
    """Replace all tags of a certificate and of its current version. Raises BadParameter."""
    policies.check_tags(tags)
    with transaction.atomic():
        _retag(certificate, certificate.current, tags, by)


def change_people(
    *, certificate: Certificate, owner: AbstractBaseUser | None, deputy: AbstractBaseUser | None, by: Actor
) -> bool:
    """Let these people answer for a certificate; False when they do already. Its look ahead is worked out anew.

    Raises BadParameter, field `deputy`, when both are one, or there is a deputy of nobody.
    """
    if deputy is not None and (owner is None or owner.pk == deputy.pk):
        why = "Choose an owner first." if owner is None else "The deputy is someone besides the owner. Choose another."
        raise BadParameter(why, field="deputy")
    chosen = owner.pk if owner else None, deputy.pk if deputy else None
    with transaction.atomic():
        held = Certificate.objects.locked().filter(pk=certificate.pk).values_list("owner_id", "deputy_id").get()
        if held == chosen:
            return False
        certificate.hand_over(owner_id=chosen[0], deputy_id=chosen[1])
        details = {"owner": owner.get_username() if owner else "", "deputy": deputy.get_username() if deputy else ""}
        target = f"certificates/{certificate.name}"
        record("certificates/change-people", target, by=by, vault=certificate.vault, details=details)
    return True


def change_version(
    *, version: Version, by: Actor, enabled: bool | None = None, tags: dict[str, str] | None = None
) -> None:
    """Enable or disable a version, replace its tags, or both; None leaves as it is. Raises BadParameter.

    The tags of the current version are those of the certificate.
    """
    if tags is not None:
        policies.check_tags(tags)
    with transaction.atomic():
        if enabled is not None and enabled != version.enabled:
            retiring.set_enabled(version=version, enabled=enabled, by=by)
        if tags is not None and tags != version.tags:
            _retag(version.certificate, version, tags, by)


def _retag(certificate: Certificate, version: Version | None, tags: dict[str, str], by: Actor) -> None:
    """Give a version its tags, and the certificate too when that is its current version or it has none."""
    is_current = version is None or certificate.current_id == version.pk
    if is_current:
        certificate.retag(tags)
    if version is not None:
        version.retag(tags)
    target = f"certificates/{certificate.name}" + ("" if is_current else f"/{version}")
    record("certificates/update-tags", target, by=by, vault=certificate.vault, details={"tags": sorted(tags)})
