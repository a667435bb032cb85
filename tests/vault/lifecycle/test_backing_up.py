"""A certificate comes back from its backup as it was, and only here."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.factories import actor_of, make_brought, make_certificate, make_operation, make_user, make_vault
from tests.pki.authority import make_root, sign_csr
from vault import tasks
from vault.errors import BadParameter, Conflict, NameTaken, NotAllowed, RingError
from vault.keys import ring
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, seal, unseal
from vault.lifecycle import backing_up, issuing, merging, restoring, retiring
from vault.lifecycle.issuing import Order
from vault.models import AuditEvent, Certificate, Key, Vault, Version, VersionName
from vault.models.audit import SYSTEM
from vault.x509 import parsing
from vault.x509.found import Upload

ADA = actor_of(None)


def with_versions(count: int = 2, **facts: object) -> Certificate:
    certificate = make_certificate(vault=make_vault("payments"), name="www", **facts)
    for _ in range(count - 1):
        order = Order(name="www", policy=certificate.policy, tags={"team": "web"})
        operation = issuing.request_certificate(vault=certificate.vault, order=order, by=ADA)
        tasks.advance_operation(operation.pk)
    return Certificate.objects.select_related("vault", "current").get(pk=certificate.pk)


def purged(certificate: Certificate) -> None:
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    retiring.purge_certificate(certificate=certificate, by=SYSTEM)


def facts_of(certificate: Certificate) -> list[dict[str, object]]:
    rows = certificate.versions.order_by("number").values()
    return [{name: value for name, value in row.items() if name not in {"secret", "certificate_id"}} for row in rows]


def secret_of(version: Version) -> bytes:
    return unseal(version.secret, purpose=Purpose.SECRET, vault_id=version.certificate.vault_id, row_id=version.id)


def test_everything_comes_back_as_it_was() -> None:
    certificate = with_versions(3)
    before, policy, tags = facts_of(certificate), certificate.policy, certificate.tags
    secrets = [secret_of(version) for version in certificate.versions.order_by("number")]
    names = list(VersionName.objects.order_by("value").values_list("kind", "value", "version_id"))
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)
    assert not Key.objects.exists()

    restored = restoring.restore(vault=certificate.vault, blob=blob, by=ADA)

    assert facts_of(restored) == before
    assert (restored.name, restored.policy, restored.tags) == ("www", policy, tags)
    assert restored.current_id == before[-1]["id"]
    assert [secret_of(version) for version in restored.versions.order_by("number")] == secrets
    assert list(VersionName.objects.order_by("value").values_list("kind", "value", "version_id")) == names
    for version in restored.versions.select_related("key"):
        assert open_key(version.key).key_size == 256


def test_the_next_version_follows_the_restored_ones() -> None:
    certificate = with_versions(2)
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)
    restored = restoring.restore(vault=certificate.vault, blob=blob, by=ADA)

    order = Order(name="www", policy=restored.policy)
    operation = issuing.request_certificate(vault=certificate.vault, order=order, by=ADA)
    tasks.advance_operation(operation.pk)

    restored.refresh_from_db()
    assert restored.current.number == 3


def test_another_vault_takes_a_copy_with_ids_of_its_own() -> None:
    certificate, other = with_versions(), make_vault("intranet")

    copy = restoring.restore(vault=other, blob=backing_up.back_up(certificate=certificate, by=ADA), by=ADA)

    pairs = zip(copy.versions.order_by("number"), certificate.versions.order_by("number"), strict=True)
    for mine, theirs in pairs:
        assert bytes(mine.der) == bytes(theirs.der)
        assert mine.id != theirs.id
        assert mine.key_id != theirs.key_id
        assert secret_of(mine) == secret_of(theirs)
    purged(certificate)
    assert open_key(Key.objects.get(versions=copy.current)).key_size == 256


def test_a_name_that_is_there_is_not_overwritten() -> None:
    certificate = with_versions(1)
    blob = backing_up.back_up(certificate=certificate, by=ADA)

    with pytest.raises(Conflict, match="conflict restoring"):
        restoring.restore(vault=certificate.vault, blob=blob, by=ADA)
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    with pytest.raises(NameTaken, match="a deleted certificate holds its name") as caught:
        restoring.restore(vault=certificate.vault, blob=blob, by=ADA)

    assert caught.value.recoverable
    assert Certificate.objects.count() == 1


def changed(blob: bytes) -> bytes:
    return blob[:-1] + bytes([blob[-1] ^ 1])


def foreign(blob: bytes) -> bytes:
    return blob[:1] + AESGCM.generate_key(256)[:8] + blob[9:]


def of_another_purpose(blob: bytes) -> bytes:
    return seal(b"{}", purpose=Purpose.DRAFT, vault_id=0, row_id=backing_up.NO_ROW)


@pytest.mark.parametrize("how", [changed, foreign, of_another_purpose, lambda blob: blob[:40]])
def test_what_is_no_backup_of_ours_is_refused(how) -> None:
    certificate = with_versions(1)
    blob = how(backing_up.back_up(certificate=certificate, by=ADA))

    with pytest.raises(BadParameter, match="not a backup that this portal has made"):
        restoring.restore(vault=make_vault(), blob=blob, by=ADA)


def test_another_portals_ring_does_not_open_it(tmp_path, settings) -> None:
    blob = backing_up.back_up(certificate=with_versions(1), by=ADA)
    settings.KEYRING = tmp_path / "other"
    with pytest.raises(RingError):
        restoring.restore(vault=make_vault(), blob=blob, by=ADA)
    ring.create(settings.KEYRING)

    with pytest.raises(BadParameter, match="not a backup"):
        restoring.restore(vault=make_vault(), blob=blob, by=ADA)


def test_neither_keys_nor_names_can_be_read_in_it() -> None:
    certificate = with_versions(1)
    private = unseal(
        certificate.current.key.sealed,
        purpose=Purpose.KEY,
        vault_id=certificate.vault_id,
        row_id=certificate.current.key_id,
    )

    blob = backing_up.back_up(certificate=certificate, by=ADA)

    for plain in (private, bytes(certificate.current.der), b"www", b"PRIVATE"):
        assert plain not in blob
        assert base64.b64encode(plain) not in blob
    assert json.dumps({"name": "www"}).encode() not in blob


def test_what_has_no_version_has_no_backup() -> None:
    operation = make_operation()

    with pytest.raises(NotAllowed, match="no version yet"):
        backing_up.back_up(certificate=operation.certificate, by=ADA)


def test_what_would_not_be_accepted_back_is_not_handed_out(settings) -> None:
    settings.UPLOAD_LIMIT = 1000

    with pytest.raises(NotAllowed, match="larger than what is accepted back"):
        backing_up.back_up(certificate=with_versions(1), by=ADA)


def test_a_version_without_its_key_comes_back_too() -> None:
    operation = make_brought(name="www")
    leaf = sign_csr(make_root(), bytes(operation.csr))
    found = parsing.read_files([Upload(name="leaf", content=leaf)])
    certificate = merging.merge(operation=operation, found=found, by=SYSTEM, confirmed=True).certificate
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)

    restored = restoring.restore(vault=certificate.vault, blob=blob, by=ADA)

    assert bytes(restored.current.der) == leaf
    assert (restored.current.key, restored.current.secret) == (None, None)


def test_both_are_in_the_trail() -> None:
    certificate = with_versions(1)
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)
    restoring.restore(vault=certificate.vault, blob=blob, by=ADA)

    events = AuditEvent.objects.filter(action__in=["certificates/backup", "certificates/restore"]).order_by("pk")

    assert [(one.action, one.result, one.details) for one in events] == [
        ("certificates/backup", "released", {"versions": 1}),
        ("certificates/restore", "done", {"versions": 1}),
    ]


def test_the_owner_stays_while_they_are_here_and_else_is_who_restores() -> None:
    ada, bob = make_user("ada"), make_user("bob")
    certificate = with_versions(1, by=ada)
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)
    assert restoring.restore(vault=certificate.vault, blob=blob, by=actor_of(bob)).owner == ada

    ada.is_active = False
    ada.save()

    assert restoring.restore(vault=make_vault(), blob=blob, by=actor_of(bob)).owner == bob


def test_a_disabled_version_stays_disabled() -> None:
    certificate = with_versions(1)
    retiring.set_enabled(version=certificate.current, enabled=False, by=SYSTEM)
    blob = backing_up.back_up(certificate=certificate, by=ADA)
    purged(certificate)

    assert not restoring.restore(vault=certificate.vault, blob=blob, by=ADA).current.enabled
    assert Vault.objects.count() == 1
