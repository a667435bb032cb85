"""Changing what rules the next version: policy and tags."""

from django.db import transaction

from vault import policies
from vault.lifecycle import issuing
from vault.models import Certificate
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
    """Replace all tags. Raises BadParameter."""
    policies.check_tags(tags)
    with transaction.atomic():
        certificate.retag(tags)
        target = f"certificates/{certificate.name}"
        record("certificates/update-tags", target, by=by, vault=certificate.vault, details={"tags": sorted(tags)})
