"""Many files at once: the good ones are imported, one by one, and every file has its line."""

from datetime import timedelta
from unittest import mock

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import actor_of, make_certificate, make_operation, make_user, make_vault
from tests.pki import authority, uploads
from vault.errors import Conflict, DraftGone, NameTaken
from vault.lifecycle import importing
from vault.lifecycle.importing import Candidate, Outcome, Result, bulk
from vault.models import AuditEvent, Certificate, Draft, Key, Vault, Version
from vault.models.policy import SELF, UNKNOWN
from vault.x509.found import FoundFile, Locked

ROOT = authority.make_root()


def free_or_held(vault: Vault):
    """Rights of someone who may do everything in the vault."""
    return lambda name: vault.certificates.named(name).first()


def keep(vault: Vault, *files: FoundFile) -> Draft:
    return importing.keep_draft(vault=vault, found=uploads.upload(*files), by=actor_of(make_user()))


def site(name: str, **facts) -> FoundFile:
    leaf = authority.make_leaf(ROOT, f"{name}.example.org")
    return uploads.pfx(leaf, ROOT.der, name=f"{name}.pfx", friendly_name=name, **facts)


def run(vault: Vault, draft: Draft, **facts) -> tuple[Result, ...]:
    facts = {"may_have": free_or_held(vault), "by": actor_of(draft.made_by), **facts}
    return importing.import_all(vault=vault, draft=draft, **facts)


def test_good_files_are_imported_and_bad_ones_have_their_reasons() -> None:
    vault = make_vault()
    weak = authority.make_leaf(ROOT)
    draft = keep(
        vault,
        site("one"),
        uploads.file("weak.pem", weak.der, keys=[uploads.found_key(weak.key, refusal="This key is weak.")]),
        uploads.file("locked.pfx", locked=Locked.NEEDS_PASSWORD),
        uploads.file("notes.txt", looks_like="text"),
        site("two"),
    )

    results = run(vault, draft)

    assert [(one.file, one.outcome, one.code, one.name) for one in results] == [
        ("one.pfx", Outcome.IMPORTED, "", "one"),
        ("weak.pem", Outcome.REFUSED, "key-refused", ""),
        ("locked.pfx", Outcome.LOCKED, "", ""),
        ("notes.txt", Outcome.NOTHING, "", ""),
        ("two.pfx", Outcome.IMPORTED, "", "two"),
    ]
    assert results[0].sentence == "Imported as version 1 of “one”."
    assert {one.version for one in results if one.version} == {version.id.hex for version in Version.objects.all()}
    assert AuditEvent.objects.filter(action="certificates/import").count() == 2
    assert set(Certificate.objects.values_list("issuer_name", "owner")) == {(UNKNOWN, draft.made_by_id)}


def test_results_are_kept_without_the_keys_for_their_page() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"), uploads.file("a.txt"))

    results = run(vault, draft)

    fresh = Draft.objects.get(pk=draft.pk)
    assert importing.results_of(fresh) == results
    with pytest.raises(DraftGone, match="imported already"):
        importing.open_draft(fresh)


def test_doing_it_again_tells_what_was_done() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"), site("two"))
    late = Draft.objects.get(pk=draft.pk)
    results = run(vault, draft)

    assert run(vault, draft) == results
    assert run(vault, late) == results
    assert Version.objects.count() == Key.objects.count() == 2


def test_a_run_that_was_cut_short_goes_on_where_it_stopped() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"), site("two"))
    real = importing.import_candidate

    def killed_at_the_second(*, candidate: Candidate, **facts) -> Version:
        if candidate.number == 1:
            raise KeyboardInterrupt
        return real(candidate=candidate, **facts)

    with mock.patch.object(bulk, "import_candidate", killed_at_the_second), pytest.raises(KeyboardInterrupt):
        run(vault, draft)

    results = run(vault, Draft.objects.get(pk=draft.pk))

    assert [one.outcome for one in results] == [Outcome.ALREADY, Outcome.IMPORTED]
    assert results[0].sentence == "It is version 1 of “one” already."
    assert Version.objects.count() == Key.objects.count() == 2


def test_of_two_runs_at_once_the_slower_one_tells_what_the_faster_did() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"))
    real = importing.import_candidate

    def overtaken(**facts) -> Version:
        real(**facts)
        return real(**facts)

    with mock.patch.object(bulk, "import_candidate", overtaken):
        (result,) = run(vault, draft)

    assert (result.outcome, result.sentence) == (Outcome.ALREADY, "It is version 1 of “one” already.")
    assert Version.objects.count() == 1


def test_names_and_choices_of_a_person_are_followed() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"), site("two"), site("three"))

    results = run(vault, draft, names={0: "first", 2: "not a name"})

    assert [(one.outcome, one.code, one.name) for one in results] == [
        (Outcome.IMPORTED, "", "first"),
        (Outcome.LEFT_OUT, "", ""),
        (Outcome.REFUSED, "BadName", "not a name"),
    ]


def test_two_of_the_same_name_do_not_become_versions_of_one_another() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"), site("two"))

    results = run(vault, draft, names={0: "same", 1: "SAME"})

    assert [one.outcome for one in results] == [Outcome.IMPORTED, Outcome.REFUSED]
    assert results[1].code == "NameTaken"
    assert "“same” exists already. Choose another name" in results[1].sentence


def test_a_name_that_exists_gets_a_new_version_only_when_that_was_chosen() -> None:
    vault = make_vault()
    first = keep(vault, site("one"))
    run(vault, first)
    refused, taken = keep(vault, site("one")), keep(vault, site("one"))

    (no,) = run(vault, refused)
    (yes,) = run(vault, taken, new_versions=True)

    assert (no.outcome, no.code) == (Outcome.REFUSED, "NameTaken")
    assert (yes.outcome, yes.sentence) == (Outcome.IMPORTED, "Imported as version 2 of “one”.")


def test_nothing_is_imported_in_bulk_that_would_renew_as_self_signed() -> None:
    certificate = make_certificate(name="one")
    draft = keep(certificate.vault, site("one"))

    (result,) = run(certificate.vault, draft, new_versions=True)

    assert certificate.policy.issuer_name == SELF
    assert (result.outcome, result.code) == (Outcome.REFUSED, Conflict.code)
    assert "would renew as a self-signed certificate" in result.sentence
    assert "Import it by itself" in result.sentence


def test_what_the_person_may_not_and_what_is_being_issued_is_refused_alone() -> None:
    operation = make_operation(name="busy")
    vault = operation.vault

    def may_have(name: str) -> Certificate | None:
        if name == "secret":
            raise NameTaken("The name “secret” is taken. Choose another.")
        return free_or_held(vault)(name)

    draft = keep(vault, site("secret"), site("busy"), site("free"))

    results = run(vault, draft, may_have=may_have, new_versions=True)

    assert [(one.outcome, one.code) for one in results] == [
        (Outcome.REFUSED, "NameTaken"),
        (Outcome.REFUSED, "NotAllowedNow"),
        (Outcome.IMPORTED, ""),
    ]


def test_an_ended_draft_imports_nothing() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"))

    with time_machine.travel(timezone.now() + timedelta(minutes=16)), pytest.raises(DraftGone):
        run(vault, draft)

    assert not Version.objects.exists()


def test_when_the_time_ends_during_the_run_what_was_done_is_still_told() -> None:
    vault = make_vault()
    draft = keep(vault, site("one"))

    def may_have(name: str) -> None:
        Draft.objects.filter(pk=draft.pk).delete()

    (result,) = run(vault, draft, may_have=may_have)

    assert result.outcome == Outcome.IMPORTED


def test_an_import_in_bulk_takes_few_queries_for_each_certificate() -> None:
    vault = make_vault()
    files = [site(f"host{number}") for number in range(20)]
    draft = keep(vault, *files)

    with CaptureQueriesContext(connection) as queries:
        run(vault, draft)

    assert len(queries) <= 5 + 17 * len(files)
