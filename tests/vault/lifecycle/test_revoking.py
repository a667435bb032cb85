"""Revoking at the CA that issued."""

import pytest

from tests.factories import make_certificate
from tests.vault.lifecycle.cas import Rig
from tests.vault.lifecycle.chained import make_version_without_key
from vault.errors import NotAllowedNow
from vault.lifecycle import revoking
from vault.models import AuditEvent, Version
from vault.models.audit import SYSTEM
from vault.providers.base import NotAuthorised, RevocationReason, RevokeResult, Transient
from vault.simulators.kit import Fault


def issued(rig: Rig) -> Version:
    version = rig.play(rig.request()).version
    assert version is not None
    return Version.objects.get(pk=version.pk)


def revoke(version: Version, reason: RevocationReason = RevocationReason.SUPERSEDED) -> RevokeResult:
    return revoking.revoke(version=Version.objects.get(pk=version.pk), reason=reason, note="replaced", by=SYSTEM)


def test_a_certificate_is_revoked_at_its_ca_and_that_is_on_record_before_and_after(rig: Rig) -> None:
    version = issued(rig)
    assert revoking.why_not(version) == ""

    result = revoke(version)

    version.refresh_from_db()
    assert result is RevokeResult.DONE
    assert rig.simulator.orders[0].status == "revoked"
    assert (version.revocation, version.revocation_reason) == (Version.Revocation.REVOKED, 4)
    assert version.revoked_at == rig.now
    events = AuditEvent.objects.filter(action="certificates/revoke").order_by("sequence")
    assert [event.result for event in events] == ["requested", "done"]
    assert events[0].details["note"] == "replaced"


def test_a_revocation_that_someone_at_the_ca_approves_is_asked_for_until_it_is_done(rig: Rig) -> None:
    version = issued(rig)
    rig.break_down(Fault(on="*", do="revoke-waits"))

    assert revoke(version) is RevokeResult.REQUESTED
    version.refresh_from_db()
    assert (version.revocation, version.revoked_at) == (Version.Revocation.REQUESTED, None)

    assert revoke(version) is RevokeResult.DONE


def test_what_is_revoked_at_the_ca_already_counts(rig: Rig) -> None:
    version = issued(rig)
    with rig.simulator.lock:
        rig.simulator.revoke(rig.simulator.orders[0], "unspecified")

    assert revoke(version) is RevokeResult.ALREADY

    version.refresh_from_db()
    assert version.revocation == Version.Revocation.REVOKED


@pytest.mark.parametrize(("fault", "kind"), [("status:500", Transient), ("401", NotAuthorised)])
def test_a_refusal_changes_nothing_and_is_on_record(rig: Rig, fault: str, kind: type[Exception]) -> None:
    version = issued(rig)
    rig.break_down(Fault(on="revoke", do=fault))

    with pytest.raises(kind):
        revoke(version)

    version.refresh_from_db()
    assert version.revocation == Version.Revocation.NONE
    assert AuditEvent.objects.filter(action="certificates/revoke", result="failed").count() == 1


def test_a_certificate_is_revoked_once(rig: Rig) -> None:
    version = issued(rig)
    revoke(version)

    with pytest.raises(NotAllowedNow, match="revoked already"):
        revoke(version)


def test_it_says_why_a_certificate_cannot_be_revoked_from_here(blind: Rig) -> None:
    version = issued(blind)

    assert "takes no revocations from here" in revoking.why_not(version)
    assert "No issuer of this vault made it" in revoking.why_not(make_certificate().current)
    assert "brought here" in revoking.why_not(make_version_without_key())
    with pytest.raises(NotAllowedNow, match="takes no revocations"):
        revoke(version)
