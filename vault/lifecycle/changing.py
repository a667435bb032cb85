"""Changing what can be changed: the policy, which rules the next version, tags, and whether a version is in use."""

from django.db import transaction

from vault import policies
from vault.lifecycle import issuing, retiring
from vault.models import Certificate, Version
from vault.models.audit import Actor, record
from vault.models.policy import Policy


def change_policy(*, certificate: Certificate, policy: Policy, by: Actor) -> None:
    """Let another policy rule the next version; issues nothing. Raises PolicyViolation, BadName."""
    complete = issuing.prepare(certificate.vault, policy)
    before = certificate.policy.to_json()
    changed = sorted(name for name, value in complete.to_json().items() if before[name] != value)
    with transaction.atomic():
        certificate.adopt_policy(complete)
        target = f"certificates/{certificate.name}"
        record("certificates/update-policy", target, by=by, vault=certificate.vault, details={"changed": changed})


def change_tags(*, certificate: Certificate, tags: dict[str, str], by: Actor) -> None:
    """Replace all tags of a certificate and of its current version. Raises BadParameter."""
    policies.check_tags(tags)
    with transaction.atomic():
        _retag(certificate, certificate.current, tags, by)


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
