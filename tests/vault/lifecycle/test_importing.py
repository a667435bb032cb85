"""Storing an imported certificate: all of it or nothing, and once."""

import io
import json
import threading
import zipfile
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import pkcs12
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import actor_of, make_certificate, make_operation, make_policy, make_user, make_vault
from tests.pki import authority, uploads
from tests.pki.authority import Leaf
from vault import tasks
from vault.errors import (
    BadCertificate,
    BadName,
    BadParameter,
    Conflict,
    DraftGone,
    NameTaken,
    NotAllowedNow,
    PolicyViolation,
    RingError,
    VaultError,
)
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, unseal
from vault.lifecycle import completing, importing, issuing, retiring, withdrawing
from vault.lifecycle.completing import Answer
from vault.lifecycle.importing import Candidate, ImportOrder, Outcome, drafts
from vault.lifecycle.issuing import Order
from vault.models import AuditEvent, CACertificate, Certificate, Draft, Key, Vault, Version
from vault.models.audit import SYSTEM
from vault.models.policy import PEM_FILE, SELF, UNKNOWN, KeyPolicy, LifetimeActionType
from vault.x509.certificates import facts, split_pem
from vault.x509.found import Found, Locked, Upload
from vault.x509.keytypes import spki_sha256
from vault.x509.parsing import read_files
from vault.x509.pfx import build_pfx

ROOT = authority.make_root()
ISSUING = authority.make_intermediate(ROOT)
CHAIN = (ISSUING.der, ROOT.der)


def a_file(leaf: Leaf | None = None) -> Found:
    return uploads.upload(uploads.pfx(leaf or authority.make_leaf(ISSUING), *CHAIN))


def candidate_in(vault: Vault, found: Found | None = None) -> Candidate:
    (candidate,) = importing.survey(vault, found or a_file()).candidates
    return candidate


def order_for(candidate: Candidate, name: str = "site", **facts) -> ImportOrder:
    certificate = facts.pop("certificate", None)
    policy = facts.pop("policy", None) or importing.propose(candidate, certificate=certificate).policy
    return ImportOrder(name=name, policy=policy, **facts)


def bring(vault: Vault, candidate: Candidate, by=SYSTEM, draft: Draft | None = None, **facts) -> Version:
    order = order_for(candidate, **facts)
    return importing.import_candidate(vault=vault, candidate=candidate, order=order, by=by, draft=draft)


def expired() -> Found:
    leaf = authority.make_leaf(ISSUING)
    return a_file(Leaf(der=authority.sign_csr(ISSUING, leaf.csr, days=0.001), key=leaf.key, csr=leaf.csr))


def assert_nothing_is_stored() -> None:
    assert not Version.objects.exists()
    assert not Key.objects.exists()
    assert not Certificate.objects.exists()
    assert not CACertificate.objects.exists()


def test_an_import_under_a_free_name_makes_certificate_version_key_and_secret() -> None:
    vault, person = make_vault(), make_user()
    leaf = authority.make_leaf(ISSUING)
    candidate = candidate_in(vault, a_file(leaf))

    version = bring(vault, candidate, actor_of(person), tags={"team": "web"})

    certificate = Certificate.objects.select_related("current").get(vault=vault, name="site")
    assert certificate.current == version
    assert (certificate.owner, certificate.tags, certificate.issuer_name) == (person, {"team": "web"}, UNKNOWN)
    assert (certificate.expires_at, version.number, version.enabled) == (candidate.facts.not_after, 1, True)
    assert (bytes(version.der), version.chain_complete, version.tags) == (leaf.der, True, {"team": "web"})
    assert certificate.policy.lifetime_actions[0].action == LifetimeActionType.EMAIL_CONTACTS
    assert list(CACertificate.objects.values_list("vault", flat=True)) == [vault.pk] * 2


def test_what_is_kept_is_the_key_of_the_certificate() -> None:
    vault = make_vault()
    leaf = authority.make_leaf(ISSUING, key=authority.rsa_key())

    version = bring(vault, candidate_in(vault, a_file(leaf)))

    key = version.key
    assert (key.kty, key.size, key.curve, key.exportable) == ("RSA", 2048, None, True)
    assert open_key(key).private_numbers() == leaf.key.private_numbers()
    secret = unseal(version.secret, purpose=Purpose.SECRET, vault_id=vault.pk, row_id=version.id)
    kept = pkcs12.load_pkcs12(secret, None)
    assert spki_sha256(kept.key.public_key()) == spki_sha256(kept.cert.certificate.public_key()) == key.spki_sha256
    assert kept.cert.friendly_name == b"site"
    assert len(kept.additional_certs) == 2


def test_a_key_that_may_not_be_exported_is_not_in_the_secret() -> None:
    vault = make_vault()
    candidate = candidate_in(vault)
    policy = make_policy(key=KeyPolicy(kty="EC", size=None, curve="P-256", exportable=False), content_type=PEM_FILE)

    version = bring(vault, candidate, policy=policy)

    secret = unseal(version.secret, purpose=Purpose.SECRET, vault_id=vault.pk, row_id=version.id)
    assert b"BEGIN CERTIFICATE" in secret
    assert b"PRIVATE KEY" not in secret
    assert not version.key.exportable


def test_the_trail_tells_who_imported_what_and_never_the_key() -> None:
    vault, person = make_vault(), make_user("ada")
    candidate = candidate_in(vault, uploads.upload(uploads.pfx(authority.make_leaf(ISSUING))))

    version = bring(vault, candidate, actor_of(person))

    event = AuditEvent.objects.get(action="certificates/import")
    assert (event.actor, event.target) == ("ada", f"certificates/site/{version}")
    assert event.details["sha256"] == candidate.facts.thumbprint_sha256
    assert event.details["notes"] == version.notes == [candidate.warnings[0].sentence]
    assert "site.pfx" not in json.dumps(event.details)


def test_an_import_under_a_name_that_exists_is_its_new_version() -> None:
    certificate = make_certificate(name="Site")
    vault = certificate.vault
    candidate = candidate_in(vault)

    version = bring(vault, candidate, certificate=certificate, holder=certificate.pk)

    certificate.refresh_from_db()
    assert (version.number, certificate.current, certificate.name) == (2, version, "Site")
    assert certificate.policy.issuer_name == SELF  # as it was: the preview said what that means
    assert certificate.versions.count() == 2


def test_tags_are_kept_unless_others_are_given() -> None:
    vault = make_vault()
    bring(vault, candidate_in(vault), tags={"a": "1"})

    kept = bring(vault, candidate_in(vault))
    replaced = bring(vault, candidate_in(vault), tags={})

    assert (kept.tags, replaced.tags) == ({"a": "1"}, {})
    assert Certificate.objects.get().tags == {}


def test_the_policy_that_was_confirmed_rules_the_versions_after() -> None:
    vault = make_vault()
    candidate = candidate_in(vault)
    policy = make_policy(content_type=PEM_FILE)

    version = bring(vault, candidate, policy=policy)

    assert version.content_type == PEM_FILE
    assert version.certificate.policy.issuer_name == SELF
    assert version.certificate.policy.lifetime_actions[0].action == LifetimeActionType.AUTO_RENEW


@pytest.mark.parametrize(
    ("facts", "refusal", "field"),
    [
        ({"name": "no spaces"}, BadName, "name"),
        ({"tags": {"": "x"}}, BadParameter, "tags"),
        ({"policy": make_policy(issuer_name="Nobody")}, PolicyViolation, "issuer_name"),
        ({"policy": make_policy(ekus=("x",))}, PolicyViolation, "ekus"),
    ],
)
def test_what_is_not_valid_is_refused_by_field_and_nothing_is_stored(facts: dict, refusal: type, field: str) -> None:
    vault = make_vault()

    with pytest.raises(refusal) as caught:
        bring(vault, candidate_in(vault), **facts)

    assert caught.value.field == field
    assert_nothing_is_stored()


def test_a_refused_candidate_is_not_imported_whatever_the_order_says() -> None:
    vault = make_vault()
    leaf = authority.make_leaf(ISSUING)
    key = uploads.found_key(leaf.key, refusal="This key is weak. Make a new one.")
    candidate = candidate_in(vault, uploads.upload(uploads.file("site.pem", leaf.der, keys=[key])))

    for archive in (False, True):
        with pytest.raises(BadCertificate, match="This key is weak") as caught:
            bring(vault, candidate, archive=archive)

    assert caught.value.field == "file"
    assert_nothing_is_stored()


def test_a_key_that_only_claims_to_be_the_certificates_is_refused() -> None:
    vault = make_vault()
    leaf, other = authority.make_leaf(ISSUING), authority.ec_key()
    candidate = candidate_in(vault, a_file(leaf))
    object.__setattr__(candidate.key, "pkcs8", uploads.found_key(other).pkcs8)

    with pytest.raises(BadCertificate, match="does not belong to the certificate"):
        bring(vault, candidate)

    assert_nothing_is_stored()


def test_an_expired_certificate_is_imported_for_the_archive_only() -> None:
    vault = make_vault()
    candidate = candidate_in(vault, expired())
    with pytest.raises(BadCertificate, match="expired on"):
        bring(vault, candidate)

    version = bring(vault, candidate, archive=True)

    assert not version.enabled
    assert version.notes == [candidate.refusal]
    assert version.certificate.current == version  # there is no other
    assert AuditEvent.objects.get(action="certificates/import").details["archive"] is True


def test_the_archive_takes_neither_the_current_place_nor_the_policy() -> None:
    certificate = make_certificate(name="site")
    before = certificate.current
    candidate = candidate_in(certificate.vault, expired())

    version = bring(certificate.vault, candidate, archive=True)

    certificate.refresh_from_db()
    assert (certificate.current, version.number, version.enabled) == (before, 2, False)
    assert certificate.policy == make_certificate().policy


def test_the_same_certificate_twice_is_named_by_its_number() -> None:
    vault = make_vault()
    candidate = candidate_in(vault)
    bring(vault, candidate)

    with pytest.raises(Conflict, match="This certificate is version 1 of “site” already"):
        bring(vault, candidate, name="SITE")

    assert Version.objects.count() == Key.objects.count() == 1


def test_the_same_certificate_may_have_two_names_and_is_found_under_both() -> None:
    vault, elsewhere = make_vault(), make_vault()
    leaf = authority.make_leaf(ISSUING)
    renewed = Leaf(der=authority.sign_csr(ISSUING, leaf.csr), key=leaf.key, csr=leaf.csr)
    first = bring(vault, candidate_in(vault, a_file(leaf)))
    second = bring(elsewhere, candidate_in(elsewhere, a_file(renewed)), name="renewed")
    candidates = importing.survey(vault, uploads.upload(uploads.pfx(leaf), uploads.pfx(authority.make_leaf(ISSUING))))

    with CaptureQueriesContext(connection) as queries:
        found = importing.find_elsewhere(candidates.candidates, among=Certificate.objects.all())
        told = [(one.version.certificate.vault.name, one.same) for one in found[0]]
    blind = importing.find_elsewhere(candidates.candidates, among=Certificate.objects.filter(vault=vault))

    assert len(queries) == 1
    assert [one.version for one in found[0]] == [first, second]
    assert told == [(vault.name, "certificate"), (elsewhere.name, "key")]
    assert [one.version for one in blind[0]] == [first]
    assert found[1] == ()


def test_a_key_that_never_was_here_is_found_by_the_request_that_was_brought() -> None:
    vault, leaf = make_vault(), authority.make_leaf(ISSUING)
    order = Order(name="brought", policy=make_policy(issuer_name=UNKNOWN), csr=leaf.csr)
    operation = issuing.request_certificate(vault=vault, order=order, by=SYSTEM)
    earlier = authority.sign_csr(ISSUING, leaf.csr, days=30)
    chain = candidate_in(vault).chain
    version = completing.complete(operation=operation, answer=Answer(leaf=earlier, chain=chain), by=SYSTEM)
    candidate = candidate_in(vault, a_file(leaf))

    with CaptureQueriesContext(connection) as queries:
        (match,) = importing.find_elsewhere([candidate], among=Certificate.objects.all())[0]

    assert (match.version, match.same, match.version.key) == (version, "key", None)
    assert len(queries) == 1


def test_a_request_in_progress_refuses_the_import_and_names_the_certificate() -> None:
    operation = make_operation(name="site")
    candidate = candidate_in(operation.vault)

    with pytest.raises(NotAllowedNow, match="A request for “site” is in progress since"):
        bring(operation.vault, candidate)

    assert Key.objects.count() == 1
    withdrawing.cancel(operation=operation, by=SYSTEM)
    assert bring(operation.vault, candidate).number == 1


def test_a_deleted_certificate_holds_its_name() -> None:
    certificate = make_certificate(name="site")
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    with pytest.raises(NameTaken, match="deleted certificate holds the name") as caught:
        bring(certificate.vault, candidate_in(certificate.vault))

    assert caught.value.recoverable


@pytest.mark.parametrize("is_free", [True, False])
def test_a_name_that_changed_hands_since_rights_were_looked_at_is_refused(*, is_free: bool) -> None:
    certificate = make_certificate(name="site")
    holder = 0 if is_free else certificate.pk + 1

    with pytest.raises(NameTaken, match="has changed hands"):
        bring(certificate.vault, candidate_in(certificate.vault), holder=holder)


def test_an_import_takes_few_queries() -> None:
    vault = make_vault()
    candidate = candidate_in(vault)
    order = order_for(candidate)

    with CaptureQueriesContext(connection) as queries:
        importing.import_candidate(vault=vault, candidate=candidate, order=order, by=SYSTEM)

    assert len(queries) <= 16


def test_a_candidate_without_its_key_is_not_imported() -> None:
    vault = make_vault()
    candidate = candidate_in(vault)

    with pytest.raises(BadCertificate, match="private key of this certificate is not among"):
        bring(vault, replace(candidate, key=None), policy=make_policy())


# --------------------------------------------------------- from octets to a version
def test_a_locked_pfx_and_a_zip_are_read_and_imported() -> None:
    vault = make_vault()
    site, other = authority.make_leaf(ISSUING), authority.make_leaf(ISSUING, key=authority.rsa_key())
    locked = build_pfx(key=site.key, leaf=site.der, chain=CHAIN, password="correct horse", friendly_name="my site")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tls/other.key", authority.key_pem(other.key))
        archive.writestr("tls/other.crt", other.pem)
    uploaded = [Upload(name="site.pfx", content=locked), Upload(name="b.zip", content=packed.getvalue())]

    found = read_files(uploaded, password="correct horse")
    draft = keep(vault, found)
    results = importing.import_all(
        vault=vault, draft=draft, by=SYSTEM, may_have=lambda name: vault.certificates.named(name).first()
    )

    assert [(one.file, one.outcome, one.name) for one in results] == [
        ("site.pfx", Outcome.IMPORTED, "my-site"),
        ("b.zip/tls/other.key", Outcome.PART, ""),
        ("b.zip/tls/other.crt", Outcome.IMPORTED, "www-example-org"),
    ]
    assert all(version.chain_complete for version in Version.objects.all())  # one knows what the other brought
    assert {bytes(version.der) for version in Version.objects.all()} == {site.der, other.der}


def test_a_wrong_password_says_so_and_offers_nothing() -> None:
    leaf = authority.make_leaf(ISSUING)
    locked = build_pfx(key=leaf.key, leaf=leaf.der, chain=(), password="correct horse", friendly_name="x")

    survey = importing.survey(make_vault(), read_files([Upload(name="a.pfx", content=locked)], password="wrong"))

    assert (survey.candidates, survey.locked) == ((), Locked.WRONG_PASSWORD)
    assert survey.rows[0].outcome == Outcome.LOCKED
    assert "password" in survey.refusal


# ---------------------------------------------------------------------- drafts
def keep(vault: Vault, found: Found, person=None) -> Draft:
    return importing.keep_draft(vault=vault, found=found, by=actor_of(person or make_user()))


def test_a_draft_gives_back_what_was_found_and_shows_nothing_of_it() -> None:
    vault = make_vault()
    leaf = authority.make_leaf(ISSUING)
    found = a_file(leaf)

    draft = Draft.objects.get(pk=keep(vault, found).pk)

    assert drafts.found_in(draft) == found
    assert importing.open_draft(draft).candidates[0].leaf == leaf.der
    assert importing.results_of(draft) == ()
    assert leaf.der not in bytes(draft.sealed)
    assert found.keys[0].pkcs8 not in bytes(draft.sealed)


def test_files_that_wait_for_a_password_are_kept_as_they_came() -> None:
    vault = make_vault()
    file = Upload(name="locked.pfx", content=b"\x00" + b"what a locked file holds " * 4)

    draft = Draft.objects.get(pk=drafts.hold_files(vault=vault, files=[file], by=actor_of(make_user())).pk)

    assert drafts.held_files(draft) == [file]
    assert b"what a locked file holds" not in bytes(draft.sealed)
    with pytest.raises(DraftGone, match="wait for their password"):
        importing.open_draft(draft)
    with pytest.raises(DraftGone, match="wait for no password"):
        drafts.held_files(keep(vault, a_file()))


def test_a_draft_belongs_to_a_person() -> None:
    with pytest.raises(ValueError, match="belongs to a person"):
        importing.keep_draft(vault=make_vault(), found=Found(), by=SYSTEM)


def test_a_draft_dies_after_fifteen_minutes_and_the_sweep_removes_it() -> None:
    vault = make_vault()
    draft = keep(vault, a_file())
    candidate = importing.open_draft(draft).candidates[0]

    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        for use in (importing.open_draft, importing.results_of):
            with pytest.raises(DraftGone, match="This preview has ended"):
                use(draft)
        with pytest.raises(DraftGone, match="This preview has ended"):
            bring(vault, candidate, draft=draft)
        tasks.sweep()

    assert not Draft.objects.exists()
    assert_nothing_is_stored()


def test_the_sweep_leaves_open_drafts_alone() -> None:
    draft = keep(make_vault(), a_file())

    tasks.sweep()

    assert Draft.objects.get() == draft


def test_a_draft_moved_to_another_row_does_not_open() -> None:
    vault = make_vault()
    one, other = keep(vault, a_file()), keep(vault, a_file())
    other.sealed = one.sealed

    with pytest.raises(RingError):
        importing.open_draft(other)


def test_a_person_keeps_twenty_drafts_and_nobody_elses_go() -> None:
    vault, person = make_vault(), make_user()
    others = keep(vault, Found())
    first = keep(vault, Found(), person)

    for _ in range(20):
        keep(vault, Found(), person)

    assert Draft.objects.filter(made_by=person).count() == 20
    assert not Draft.objects.filter(pk=first.pk).exists()
    assert Draft.objects.filter(pk=others.pk).exists()


def test_importing_takes_the_keys_out_of_the_draft_and_leaves_the_result() -> None:
    vault = make_vault()
    draft = keep(vault, a_file())

    version = bring(vault, importing.open_draft(draft).candidates[0], draft=draft)

    fresh = Draft.objects.get(pk=draft.pk)
    with pytest.raises(DraftGone, match="imported already") as caught:
        importing.open_draft(fresh)
    assert caught.value.version == version.id
    (result,) = importing.results_of(fresh)
    assert (result.outcome, result.name, result.version) == (Outcome.IMPORTED, "site", version.id.hex)


def test_a_double_click_ends_at_the_version_that_the_first_made() -> None:
    vault = make_vault()
    draft = keep(vault, a_file())
    candidate = importing.open_draft(draft).candidates[0]
    late = Draft.objects.get(pk=draft.pk)
    first = bring(vault, candidate, draft=draft)

    again = bring(vault, candidate, draft=draft)
    too_late = bring(vault, candidate, draft=late)
    elsewhere = bring(vault, candidate, draft=late, name="other")

    assert first == again == too_late == elsewhere
    assert (Version.objects.count(), Key.objects.count(), Certificate.objects.count()) == (1, 1, 1)


def test_an_import_that_breaks_leaves_the_draft_as_it_was() -> None:
    vault = make_vault()
    draft = keep(vault, a_file())
    candidate = importing.open_draft(draft).candidates[0]

    with mock.patch.object(drafts.Draft, "settle", side_effect=OSError), pytest.raises(OSError):
        bring(vault, candidate, draft=draft)

    assert_nothing_is_stored()
    assert importing.open_draft(Draft.objects.get(pk=draft.pk)).candidates[0].leaf == candidate.leaf


# ----------------------------------------------------------------------- races
def at_once(*works) -> list[object]:
    results: list[object] = []
    start = threading.Barrier(len(works))

    def run(work) -> None:
        start.wait()
        try:
            results.append(work())
        except VaultError as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(results) == len(works)
    return results


def winners(results: list[object]) -> list[Version]:
    return [one for one in results if isinstance(one, Version)]


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_into_one_free_name_both_end_in_a_version_or_a_sentence() -> None:
    vault = make_vault()
    candidates = [candidate_in(vault), candidate_in(vault)]

    results = at_once(*(lambda one=one: bring(vault, one, holder=0) for one in candidates))

    (loser,) = [one for one in results if not isinstance(one, Version)]
    assert isinstance(loser, NameTaken)
    assert "has changed hands" in str(loser)
    assert (Version.objects.count(), Key.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_into_one_certificate_both_get_a_number() -> None:
    certificate = make_certificate(name="site")
    candidates = [candidate_in(certificate.vault), candidate_in(certificate.vault)]

    results = at_once(*(lambda one=one: bring(certificate.vault, one) for one in candidates))

    assert sorted(version.number for version in winners(results)) == [2, 3]
    assert Key.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_both_end_at_one_version() -> None:
    vault = make_vault()
    draft = keep(vault, a_file())
    candidate = importing.open_draft(draft).candidates[0]

    def click() -> Version:
        return bring(vault, candidate, draft=Draft.objects.get(pk=draft.pk))

    first, second = at_once(click, click)

    assert first == second
    assert isinstance(first, Version)
    assert (Version.objects.count(), Key.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_an_import_racing_a_merge_gives_two_versions() -> None:
    operation = make_operation(name="site")
    withdrawing.cancel(operation=operation, by=SYSTEM)
    vault, candidate = operation.vault, candidate_in(operation.vault)
    answer = Answer(leaf=authority.sign_csr(ISSUING, bytes(operation.csr)), chain=candidate.chain)

    results = at_once(
        lambda: bring(vault, candidate),
        lambda: completing.complete(operation=operation, answer=answer, by=SYSTEM),
    )

    assert sorted(version.number for version in winners(results)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_an_import_racing_a_request_is_before_it_or_refused() -> None:
    certificate = make_certificate(name="site")
    vault, candidate = certificate.vault, candidate_in(certificate.vault)
    order = Order(name="site", policy=make_policy(issuer_name=UNKNOWN))

    results = at_once(
        lambda: bring(vault, candidate),
        lambda: issuing.request_certificate(vault=vault, order=order, by=SYSTEM),
    )

    refused = [one for one in results if isinstance(one, VaultError)]
    assert [type(one) for one in refused] in ([], [NotAllowedNow])
    assert certificate.operations.in_progress().count() == 1
    assert certificate.versions.count() == 2 - len(refused)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(kind=st.sampled_from([*authority.CURVES, 2048, 3072]), parts=st.permutations(range(4)))
def test_key_and_certificate_match_after_an_import_whatever_the_order_of_the_files(
    kind: str | int, parts: list[int]
) -> None:
    vault = make_vault()
    key = authority.rsa_key(kind) if isinstance(kind, int) else authority.ec_key(kind)
    leaf = authority.make_leaf(ISSUING, key=key)
    files = [
        uploads.file("a.crt", leaf.der),
        uploads.file("a.key", keys=[key]),
        uploads.file("chain.pem", ROOT.der, ISSUING.der),
        uploads.file("noise.txt"),
    ]

    version = bring(vault, candidate_in(vault, uploads.upload(*(files[part] for part in parts))))

    assert open_key(version.key).private_numbers() == key.private_numbers()
    assert version.key.spki_sha256 == facts(bytes(version.der)).spki_sha256
    assert (bytes(version.der), split_pem(version.chain)) == (leaf.der, [*CHAIN])
