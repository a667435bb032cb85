import io
import subprocess
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)
from django.db import connections
from django.utils import timezone

from tests.factories import EC_KEY, actor_of, make_certificate, make_operation, make_user, make_vault
from tests.pki import authority
from vault.errors import (
    BadCertificate,
    BadParameter,
    Conflict,
    KeyExposed,
    NotAllowedNow,
    OperationClosed,
    UnreadableFile,
    VaultError,
)
from vault.keys.making import open_key
from vault.lifecycle import completing, issuing, merging, withdrawing
from vault.lifecycle.issuing import Order
from vault.lifecycle.merging import AnotherRequest, NeedsConfirmation
from vault.models import Operation, Version
from vault.models.audit import SYSTEM, Actor, AuditEvent
from vault.models.policy import CLIENT_AUTH, SELF, SERVER_AUTH, UNKNOWN, AlternativeNames
from vault.x509 import certificates, parsing
from vault.x509.found import Upload
from vault.x509.types import PrivateKey

ROOT = authority.make_root()
ISSUING = authority.make_intermediate(ROOT)
USES = (SERVER_AUTH, CLIENT_AUTH)


def signed(operation: Operation, **facts) -> bytes:
    return authority.sign_csr(ISSUING, bytes(operation.csr), **facts)


def pem(*ders: bytes) -> bytes:
    return "".join(authority.to_pem(der) for der in ders).encode()


def merge(operation: Operation, *files: bytes, by: Actor = SYSTEM, confirmed: str = "") -> Version:
    names = ("", *(f"file{number}" for number in range(1, len(files))))
    found = parsing.read_files([Upload(name=name, content=data) for name, data in zip(names, files, strict=True)])
    return merging.merge(operation=operation, found=found, by=by, confirmed=confirmed)


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

    with pytest.raises(AnotherRequest, match="made for another request") as caught:
        merge(operation, pem(ISSUING.der, signed(other)))

    assert caught.value.certificates[1:] == (ISSUING.der,)
    assert_still_open(operation)


def test_certificates_of_cas_alone_are_named_and_the_rest_is_asked_for() -> None:
    operation = make_operation()

    with pytest.raises(BadCertificate, match="“Example Root CA” and “Example Issuing CA”"):
        merge(operation, pem(ROOT.der, ISSUING.der))

    assert_still_open(operation)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
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

    version = merge(operation, pem(leaf), confirmed=caught.value.mark)

    assert caught.value.doubts[0].names == ("example.org",)
    assert any("missing" in note for note in version.notes)


def test_what_a_person_took_is_that_certificate_and_no_other() -> None:
    operation = make_operation(names=AlternativeNames(dns=("www.example.org", "example.org")))
    with pytest.raises(NeedsConfirmation) as caught:
        merge(operation, pem(signed(operation, names=["www.example.org"])))

    with pytest.raises(NeedsConfirmation, match=r"example\.org"):
        merge(operation, pem(signed(operation, names=["mail.example.net"])), confirmed=caught.value.mark)

    assert_still_open(operation)


def test_a_private_key_is_never_kept_and_the_person_is_told() -> None:
    operation = make_operation()
    key = authority.key_pem(authority.ec_key()).encode()

    with pytest.raises(KeyExposed, match="treated as exposed") as caught:
        merge(operation, pem(signed(operation)) + key)

    assert key.splitlines()[1].decode() not in str(caught.value)
    assert_still_open(operation)


@pytest.mark.parametrize("data", [b"", b"<html><body>no</body></html>", b"\x00" * 100])
def test_what_is_no_certificate_is_named(data: bytes) -> None:
    operation = make_operation()

    with pytest.raises(UnreadableFile, match="What is needed is the signed certificate"):
        merge(operation, data)

    assert_still_open(operation)


def test_more_than_is_read_is_refused() -> None:
    operation = make_operation()

    with pytest.raises(BadParameter):
        merge(operation, b"x" * 2_000_000)

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

    with pytest.raises(OperationClosed, match="already ended: version 1 was stored"):
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

    version = merge(operation, pem(signed(operation, names=["example.org"])), confirmed=merging.ANY)

    assert set(version.names.values_list("kind", "value")) == {("cn", "www.example.org"), ("dns", "example.org")}


# -------------------------------------------------------------- the chain
def test_leaf_and_intermediate_come_as_two_files() -> None:
    operation = make_operation()

    version = merge(operation, ISSUING.der, signed(operation))

    assert version.chain == pem(ISSUING.der).decode()


def test_a_chain_that_came_the_wrong_way_round_is_put_right_and_says_so() -> None:
    operation = make_operation()

    version = merge(operation, pem(ROOT.der, ISSUING.der, signed(operation)))

    assert version.chain == pem(ISSUING.der, ROOT.der).decode()
    assert any("put right" in note for note in version.notes)


def test_a_chain_in_order_is_no_news() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation, ekus=USES), ISSUING.der, ROOT.der))

    assert version.notes == []


def test_a_missing_intermediate_comes_from_what_the_vault_knows_and_says_so() -> None:
    vault = make_vault()
    first, second = make_operation(vault=vault), make_operation(vault=vault)
    merge(first, pem(signed(first), ISSUING.der, ROOT.der))

    version = merge(second, pem(signed(second, ekus=USES)))

    assert version.chain == pem(ISSUING.der, ROOT.der).decode()
    assert version.chain_complete
    assert version.notes == [
        "“Example Issuing CA” and “Example Root CA” were added to the chain, from certificates that this vault knows."
    ]


def test_what_one_vault_knows_another_does_not() -> None:
    first, second = make_operation(), make_operation()
    merge(first, pem(signed(first), ISSUING.der, ROOT.der))

    version = merge(second, pem(signed(second)))

    assert version.chain == ""


def test_an_unknown_issuer_is_named_and_what_to_ask_for() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation)))

    assert not version.chain_complete
    assert any("“CN=Example Issuing CA”, did not come with it" in note for note in version.notes)


def test_a_use_that_the_ca_left_out_is_named_in_words() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation, ekus=(CLIENT_AUTH,)), ISSUING.der, ROOT.der))

    (note,) = version.notes
    assert note.startswith("It was also asked for use by TLS servers; the CA left that out.")


def test_a_damaged_file_beside_a_sound_one_is_left_out_and_says_so() -> None:
    operation = make_operation()

    version = merge(operation, pem(signed(operation)), pem(ISSUING.der)[:200])

    assert any(note.startswith("“file1” was left out") for note in version.notes)


def test_another_leaf_beside_the_right_one_stays_out() -> None:
    operation, other = make_operation(), make_operation()

    version = merge(operation, pem(signed(other), signed(operation), ISSUING.der))

    assert version.chain == pem(ISSUING.der).decode()
    assert any("does not belong to the chain" in note for note in version.notes)


# ------------------------------------------------------------- odd packages
def as_zip(**members: bytes) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return octets.getvalue()


def as_pfx(key: PrivateKey | None, leaf: bytes, *others: bytes, password: bytes = b"") -> bytes:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    certificate, *chain = [x509.load_der_x509_certificate(der) for der in (leaf, *others)]
    return pkcs12.serialize_key_and_certificates(b"shop", key, certificate, chain, protection)


def as_p7b(*ders: bytes) -> bytes:
    return pkcs7.serialize_certificates([x509.load_der_x509_certificate(der) for der in ders], Encoding.DER)


PACKAGES: dict[str, Callable[[bytes], bytes]] = {
    "the CA's ZIP": lambda leaf: as_zip(**{"shop.crt": pem(leaf), "ca/issuing.cer": ISSUING.der, "readme.txt": b"hi"}),
    "a PFX without key": lambda leaf: as_pfx(None, leaf, ISSUING.der),
    "a P7B": lambda leaf: as_p7b(ISSUING.der, leaf),
    "UTF-16 with CRLF": lambda leaf: pem(leaf, ISSUING.der).decode().replace("\n", "\r\n").encode("utf-16"),
    "a quoted e-mail": lambda leaf: b"> " + pem(ISSUING.der, leaf).replace(b"\n", b"\n> "),
}


@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES.keys())
def test_leaf_and_chain_are_found_in_whatever_they_come(package: Callable[[bytes], bytes]) -> None:
    operation = make_operation()

    version = merge(operation, package(signed(operation)))

    assert version.chain == pem(ISSUING.der).decode()
    assert not any("left out" in note for note in version.notes)


@pytest.mark.parametrize("password", [b"", b"secret"])
def test_a_pfx_with_a_key_is_never_kept_open_or_locked(password: bytes) -> None:
    operation = make_operation()
    foreign = authority.make_leaf(ISSUING)

    with pytest.raises(KeyExposed, match=r"“file1” holds a private key.*nothing of it was kept"):
        merge(operation, pem(signed(operation)), as_pfx(foreign.key, foreign.der, password=password))

    assert_still_open(operation)


def test_a_locked_pfx_without_key_is_no_exposure() -> None:
    operation = make_operation()

    with pytest.raises(UnreadableFile, match="Ask the CA for it without one"):
        merge(operation, as_pfx(None, signed(operation), password=b"secret"))

    assert_still_open(operation)


def test_each_file_that_holds_no_certificate_is_named() -> None:
    operation = make_operation()

    with pytest.raises(
        UnreadableFile, match=r"certificate request: it goes to the CA.*“file1” looks like an HTML page"
    ):
        merge(operation, bytes(operation.csr), b"<html><body>no</body></html>")


# ------------------------------------------------- what no CA can have sent
def alarms() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(result="alarm"))


def self_signed(operation: Operation) -> bytes:
    begin = timezone.now().replace(microsecond=0)
    key = open_key(operation.key)
    return certificates.self_sign(bytes(operation.csr), key, not_before=begin, not_after=begin + timedelta(days=90))


@pytest.mark.parametrize("kind", ["self-signed", "a CA", "a CA beside a good one"])
def test_what_cannot_come_from_outside_is_refused_and_raises_an_alarm(kind: str) -> None:
    operation = make_operation()
    good, bad = signed(operation), self_signed(operation) if kind == "self-signed" else signed(operation, ca=True)
    by = Actor(name="olivia", user_id=7, right="certificates/create", address="192.0.2.7")

    with pytest.raises(BadCertificate, match="tell whoever runs the portal at once"):
        merge(operation, pem(good, bad) if "good" in kind else pem(bad), by=by)

    (event,) = alarms()
    assert (event.actor, event.action, event.address) == ("olivia", "certificates/merge", "192.0.2.7")
    assert event.details["operation"] == operation.request_id.hex
    assert_still_open(operation)


def test_an_alarm_is_raised_once_an_hour_however_often_it_is_tried() -> None:
    operation = make_operation()

    for _ in range(3):
        with pytest.raises(BadCertificate, match="tell whoever runs the portal at once"):
            merge(operation, pem(signed(operation, ca=True)))

    assert len(alarms()) == 1


def test_our_own_self_signed_version_brought_again_for_its_reused_key_is_no_alarm() -> None:
    certificate = make_certificate(key=replace(EC_KEY, reuse=True))
    policy = replace(certificate.policy, issuer_name=UNKNOWN, lifetime_actions=())
    order = Order(name=certificate.name, policy=policy)
    operation = issuing.request_certificate(vault=certificate.vault, order=order, by=SYSTEM)

    with pytest.raises(Conflict, match=r"is version 1 of “cert\d+” already, stored by Chancery on"):
        merge(operation, pem(bytes(certificate.current.der)))

    assert alarms() == []
    operation.refresh_from_db()
    assert operation.is_in_progress


def test_where_the_key_was_made_elsewhere_a_self_signed_answer_is_refused_without_alarm() -> None:
    operation = make_operation()
    answer = self_signed(operation)
    Operation.objects.filter(pk=operation.pk).update(key=None)
    operation = Operation.objects.get(pk=operation.pk)

    with pytest.raises(BadCertificate, match="Bring the one that the CA signed"):
        merge(operation, pem(answer))

    assert alarms() == []


# ------------------------------------------------------------ who was faster
def test_whoever_comes_second_learns_who_was_first_and_when() -> None:
    operation = make_operation()
    merge(operation, pem(signed(operation)), by=Actor(name="olivia", user_id=None))

    with pytest.raises(OperationClosed, match=r"version 1 was stored by olivia on \d+ \w+ \d{4}, \d\d:\d\d UTC"):
        merge(operation, pem(signed(operation)))


def test_the_history_names_who_brought_it() -> None:
    operation = make_operation()
    person = make_user("olivia")

    merge(operation, pem(signed(operation)), by=actor_of(person))

    assert any("Version 1 stored, brought by olivia" in step.text for step in operation.steps.all())


@pytest.mark.django_db(transaction=True)
def test_a_merge_and_a_cancellation_at_once_end_in_a_version() -> None:
    operation = make_operation()
    answer = pem(signed(operation))
    results: dict[str, object] = {}

    def run(name: str, act: Callable[[Operation], object]) -> None:
        try:
            mine = Operation.objects.select_related("certificate", "vault", "key").get(pk=operation.pk)
            results[name] = act(mine)
        except VaultError as error:
            results[name] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=("merge", lambda mine: merge(mine, answer))),
        threading.Thread(target=run, args=("cancel", lambda mine: withdrawing.cancel(operation=mine, by=SYSTEM))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    operation.refresh_from_db()
    assert isinstance(results["merge"], Version)
    assert results["cancel"] is True or isinstance(results["cancel"], OperationClosed)
    assert operation.status == Operation.Status.COMPLETED


def test_cancelling_what_was_merged_tells_who_and_when() -> None:
    operation = make_operation()
    late = Operation.objects.get(pk=operation.pk)
    merge(operation, pem(signed(operation)))

    with pytest.raises(OperationClosed, match="version 1 was stored by Chancery on"):
        withdrawing.cancel(operation=late, by=SYSTEM)


def test_two_requests_of_one_certificate_that_are_merged_at_once_do_not_lie_to_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operation = make_operation()

    def taken(**facts: object) -> Version:
        raise Conflict("the number was taken")

    monkeypatch.setattr(completing, "complete", taken)

    with pytest.raises(NotAllowedNow, match="Send it once more"):
        merge(operation, pem(signed(operation)))
