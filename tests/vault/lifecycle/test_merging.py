import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections

from tests.factories import make_operation
from tests.pki import authority
from vault.errors import (
    BadCertificate,
    Conflict,
    KeyExposed,
    NotAllowedNow,
    OperationClosed,
    UnreadableFile,
    VaultError,
)
from vault.lifecycle import merging, withdrawing
from vault.lifecycle.merging import NeedsConfirmation
from vault.models import Operation, Version
from vault.models.audit import SYSTEM
from vault.models.policy import SELF, AlternativeNames

ROOT = authority.make_root()
ISSUING = authority.make_intermediate(ROOT)


def signed(operation: Operation, **facts) -> bytes:
    return authority.sign_csr(ISSUING, bytes(operation.csr), **facts)


def pem(*ders: bytes) -> bytes:
    return "".join(authority.to_pem(der) for der in ders).encode()


def merge(operation: Operation, data: bytes, *, confirmed: bool = False) -> Version:
    return merging.merge(operation=operation, data=data, by=SYSTEM, confirmed=confirmed)


def assert_still_open(operation: Operation) -> None:
    operation.refresh_from_db()
    assert operation.is_in_progress
    assert not Version.objects.filter(certificate=operation.certificate).exists()


def test_a_signed_certificate_with_its_chain_in_any_order_completes_the_request(tmp_path: Path) -> None:
    operation = make_operation()
    leaf = signed(operation)

    version = merge(operation, pem(ROOT.der, leaf, ISSUING.der))

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert operation.certificate.__class__.objects.get(pk=operation.certificate_id).current == version
    assert version.chain == pem(ISSUING.der, ROOT.der).decode()
    assert version.chain_complete
    (tmp_path / "root.pem").write_bytes(pem(ROOT.der))
    (tmp_path / "chain.pem").write_bytes(pem(ISSUING.der))
    (tmp_path / "leaf.pem").write_bytes(pem(bytes(version.der)))
    command = ["openssl", "verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "leaf.pem"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"leaf.pem: OK\n"


def test_the_leaf_alone_as_der_is_enough() -> None:
    operation = make_operation()

    version = merge(operation, signed(operation))

    assert version.chain == ""
    assert not version.chain_complete


def test_a_certificate_for_another_request_is_refused_and_the_request_stays_open() -> None:
    operation, other = make_operation(), make_operation()

    with pytest.raises(BadCertificate, match="made for another request"):
        merge(operation, pem(signed(other)))

    assert_still_open(operation)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"ca": True}, "makes its key a CA"),
        ({"days": 0.001}, "expired on"),
        ({"names": ["www.example.com"]}, "missing"),
    ],
)
def test_a_certificate_that_is_wrong_is_refused_and_the_request_stays_open(facts: dict, words: str) -> None:
    operation = make_operation()

    with pytest.raises(BadCertificate, match=words):
        merge(operation, pem(signed(operation, **facts)))

    assert_still_open(operation)


def test_missing_names_are_taken_when_a_person_says_so() -> None:
    operation = make_operation(names=AlternativeNames(dns=("www.example.org", "example.org")))
    leaf = signed(operation, names=["www.example.org"])
    with pytest.raises(NeedsConfirmation) as caught:
        merge(operation, pem(leaf))

    version = merge(operation, pem(leaf), confirmed=True)

    assert caught.value.doubts[0].names == ("example.org",)
    assert any("missing" in note for note in version.notes)


def test_a_private_key_is_never_kept_and_the_person_is_told() -> None:
    operation = make_operation()
    key = authority.key_pem(authority.ec_key()).encode()

    with pytest.raises(KeyExposed, match="treated as exposed") as caught:
        merge(operation, pem(signed(operation)) + key)

    assert key.splitlines()[1].decode() not in str(caught.value)
    assert_still_open(operation)


@pytest.mark.parametrize("data", [b"", b"<html><body>no</body></html>", b"\x00" * 100, b"x" * 2_000_000])
def test_what_is_no_certificate_is_named(data: bytes) -> None:
    operation = make_operation()

    with pytest.raises(UnreadableFile):
        merge(operation, data)

    assert_still_open(operation)


def test_our_own_request_is_recognised() -> None:
    operation = make_operation()

    with pytest.raises(UnreadableFile, match="certificate request"):
        merge(operation, bytes(operation.csr))


def test_merging_is_allowed_after_cancellation_because_the_request_is_still_good() -> None:
    operation = make_operation()
    withdrawing.cancel(operation=operation, by=SYSTEM)

    merge(operation, pem(signed(operation)))

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED


def test_merging_twice_tells_that_it_was_completed() -> None:
    operation = make_operation()
    leaf = signed(operation)
    merge(operation, pem(leaf))

    with pytest.raises(OperationClosed, match="completed already"):
        merge(operation, pem(leaf))

    assert Version.objects.count() == 1


def test_a_request_that_its_issuer_answers_is_not_merged() -> None:
    operation = make_operation(issuer=SELF)

    with pytest.raises(NotAllowedNow, match="“Self” answers this request itself"):
        merge(operation, pem(signed(operation)))


def test_a_deleted_request_is_not_merged() -> None:
    operation = make_operation()
    withdrawing.delete_operation(operation=operation, by=SYSTEM)

    with pytest.raises(OperationClosed, match="deleted"):
        merge(operation, pem(signed(operation)))


@pytest.mark.django_db(transaction=True)
def test_of_two_people_merging_at_once_one_wins_and_the_other_is_told() -> None:
    operation = make_operation()
    answers = [pem(signed(operation)), pem(signed(operation))]
    results: list[object] = []

    def run(answer: bytes) -> None:
        try:
            results.append(
                merge(Operation.objects.select_related("certificate", "vault", "key").get(pk=operation.pk), answer)
            )
        except VaultError as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(isinstance(result, Version) for result in results) == [False, True]
    assert any(isinstance(result, OperationClosed | Conflict) for result in results)
    assert Version.objects.count() == 1


def test_an_answer_with_less_time_than_asked_is_taken() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation, days=30)))

    assert version.not_after - version.not_before < timedelta(days=32)


def test_a_host_that_is_only_the_common_name_is_found_by_it() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation, names=["example.org"])), confirmed=True)

    assert set(version.names.values_list("kind", "value")) == {("cn", "www.example.org"), ("dns", "example.org")}
