import uuid
from collections.abc import Callable

import pytest
from django.db.models import Q

from tests.factories import (
    actor_of,
    make_brought,
    make_certificate,
    make_member,
    make_operation,
    make_policy,
    make_vault,
)
from tests.pki import authority, csrs
from tests.pki.authority import ec_key, key_pem, make_csr, make_root, sign_csr, to_pem
from vault.errors import BadParameter, KeyExposed, NotAllowedNow, PolicyViolation, UnreadableFile, VaultError
from vault.lifecycle import bringing, completing, issuing, retiring, withdrawing
from vault.lifecycle.bringing import IsCertificate
from vault.lifecycle.completing import Answer
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Key, Operation, Version
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import UNKNOWN, AlternativeNames, KeyPolicy, LifetimeAction, LifetimeActionType
from vault.x509 import chains
from vault.x509.brought import read_brought
from vault.x509.found import Upload
from vault.x509.requests import csr_pem, describe_csr

ROOT = make_root()


def answered(operation: Operation) -> Version:
    """Complete a request with what a CA signed."""
    leaf = sign_csr(ROOT, bytes(operation.csr))
    answer = Answer(leaf=leaf, chain=chains.order(leaf, [ROOT.der]))
    return completing.complete(operation=operation, answer=answer, by=SYSTEM)


def request_of(text: str | bytes, *more: bytes) -> bringing.BroughtRequest:
    content = text.encode() if isinstance(text, str) else text
    return bringing.read_request([Upload(content=one) for one in (content, *more)])


def refusal_of(text: str | bytes, *more: bytes) -> VaultError:
    with pytest.raises(VaultError) as caught:
        request_of(text, *more)
    return caught.value


# ------------------------------------------------------------- what was brought
def test_a_request_is_found_as_pem_and_as_der() -> None:
    der = make_csr()

    assert request_of(csr_pem(der)).der == request_of(der).der == der


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
        lambda text: f"Hello,\nplease sign this:\n\n{text}\nRegards",
        lambda text: "".join(text.splitlines()[1:-1]),
    ],
    ids=["of Windows", "CRLF", "quoted in a mail", "within a mail", "bare base64"],
)
def test_a_request_is_found_however_it_is_wrapped(wrap: Callable[[str], str]) -> None:
    der = make_csr()

    assert request_of(wrap(csr_pem(der))).der == der


def test_the_same_request_pasted_and_as_a_file_counts_once() -> None:
    der = make_csr()

    assert request_of(csr_pem(der), der).der == der


def test_several_requests_are_refused_because_each_is_a_certificate_of_its_own() -> None:
    error = refusal_of(csr_pem(make_csr()) + csr_pem(make_csr("other.example")))

    assert "2 different requests" in str(error)


def test_a_private_key_beside_the_request_is_never_kept() -> None:
    key = ec_key()

    error = refusal_of(key_pem(key) + csr_pem(make_csr(key=key)))

    assert isinstance(error, KeyExposed)
    assert "exposed" in str(error)
    assert key_pem(key).splitlines()[1] not in str(error)


def test_a_certificate_is_told_from_a_request() -> None:
    assert isinstance(refusal_of(to_pem(ROOT.der)), IsCertificate)


def test_certificates_beside_the_request_are_named_and_not_used() -> None:
    found = request_of(to_pem(ROOT.der) + csr_pem(make_csr()))

    assert "certificates" in found.notes[0]


@pytest.mark.parametrize("text", ["", "hello", "<html></html>", "-----BEGIN CERTIFICATE REQUEST-----\n!\n"])
def test_what_is_no_request_is_refused_in_words(text: str) -> None:
    error = refusal_of(text)

    assert isinstance(error, UnreadableFile)
    assert error.field == "csr"


def test_a_weak_key_is_refused_where_it_is_read() -> None:
    weak = authority.rsa.generate_private_key(public_exponent=3, key_size=2048)

    error = refusal_of(csrs.forge_csr(key=weak))

    assert isinstance(error, BadParameter)
    assert error.field == "csr"


# ----------------------------------------------------------------- the operation
def test_a_brought_request_waits_for_its_certificate_without_a_key_here() -> None:
    der = make_csr()

    operation = make_brought(csr=der)

    assert operation.step == Operation.Step.AWAITING_MERGE
    assert operation.key_is_elsewhere
    assert bytes(operation.csr) == der
    assert operation.spki_sha256 == describe_csr(der).spki_sha256
    assert not Key.objects.exists()


def test_the_policy_says_what_the_request_asks_for_whatever_the_order_said() -> None:
    der = make_csr("a.example", "b.example", subject="CN=a.example, O=Example", key=ec_key("P-384"))

    operation = make_brought(csr=der, key=KeyPolicy(kty="RSA", size=4096, reuse=True), subject="CN=else")

    policy = operation.policy
    assert policy.key == KeyPolicy(kty="EC", size=None, curve="P-384", exportable=False)
    assert (policy.subject, policy.names) == (
        "CN=a.example, O=Example",
        AlternativeNames(dns=("a.example", "b.example")),
    )
    assert (policy.key_usage, policy.ekus) == (("digitalSignature",), (authority.SERVER_AUTH,))
    assert operation.certificate.policy == policy


def test_people_are_told_at_the_usual_time_and_nothing_renews_by_itself() -> None:
    renewing = LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=50)

    operation = make_brought(lifetime_actions=(renewing,))

    assert operation.policy.lifetime_actions == (
        LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),
    )


def test_people_are_told_when_the_order_says() -> None:
    told = LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, days_before_expiry=20)

    assert make_brought(lifetime_actions=(told,)).policy.lifetime_actions == (told,)


def test_the_trail_and_the_history_say_that_the_key_was_brought() -> None:
    operation = make_brought()

    event = AuditEvent.objects.get(action="certificates/create")
    assert event.details["key"] == "brought"
    assert event.details["key_sha256"] == operation.spki_sha256
    assert "EC P-256 key made elsewhere and never here" in "".join(step.text for step in operation.steps.all())


def test_a_request_made_here_says_nothing_of_the_kind() -> None:
    make_operation()

    assert "key" not in AuditEvent.objects.get(action="certificates/create").details


def test_a_self_signed_certificate_cannot_come_of_a_brought_request() -> None:
    order = Order(name="www", policy=make_policy(issuer_name="self"), csr=make_csr())

    with pytest.raises(PolicyViolation, match="its own key") as caught:
        issuing.request_certificate(vault=make_vault(), order=order, by=SYSTEM)

    assert caught.value.field == "issuer_name"


@pytest.mark.parametrize("bad", ["weak key", "CA", "changed", "none"])
def test_an_order_with_an_unsound_request_makes_nothing(bad: str) -> None:
    csr = {
        "weak key": csrs.forge_csr(key=authority.rsa.generate_private_key(public_exponent=3, key_size=2048)),
        "CA": csrs.forge_csr(extensions=[csrs.constraints(ca=True)]),
        "changed": make_csr().replace(b"www.example.org", b"www.example.net"),
        "none": b"-----",
    }[bad]
    order = Order(name="www", policy=make_policy(issuer_name=UNKNOWN), csr=csr)

    with pytest.raises(BadParameter):
        issuing.request_certificate(vault=make_vault(), order=order, by=SYSTEM)

    assert not Operation.objects.exists()
    assert not Certificate.objects.exists()


def test_the_same_submission_twice_is_one_operation() -> None:
    vault = make_vault()
    by = actor_of(make_member(vault))
    policy = make_policy(issuer_name=UNKNOWN)
    order = Order(name="www", policy=policy, csr=make_csr(), submission=uuid.uuid4())

    first, second = (issuing.request_certificate(vault=vault, order=order, by=by) for _ in range(2))

    assert first == second
    assert Operation.objects.count() == 1


def test_one_request_at_a_time_holds_for_brought_ones_too() -> None:
    vault = make_vault()
    make_brought(vault=vault, name="www")

    with pytest.raises(NotAllowedNow, match="already being issued"):
        make_brought(vault=vault, name="www", csr=make_csr("other.example"))


# ------------------------------------------------------------------ the version
def test_the_version_has_neither_key_nor_secret() -> None:
    version = answered(make_brought())

    version.refresh_from_db()
    assert (version.key, version.secret) == (None, None)
    assert version.key_title == "EC P-256"
    assert not Key.objects.exists()


def test_a_later_version_may_have_its_key_made_here_even_where_the_key_should_be_used_again() -> None:
    vault = make_vault()
    answered(make_brought(vault=vault, name="www"))

    operation = make_operation(vault=vault, name="www", key=KeyPolicy(kty="EC", size=None, curve="P-256", reuse=True))
    version = answered(operation)

    assert version.number == 2
    assert version.key is not None
    assert version.secret


def test_a_certificate_with_a_key_here_may_go_on_with_a_brought_request() -> None:
    vault = make_vault()
    certificate = make_certificate(vault=vault, name="www")

    version = answered(make_brought(vault=vault, name="www"))

    certificate.refresh_from_db()
    assert certificate.current == version
    assert version.key is None
    assert certificate.policy.issuer_name == UNKNOWN
    assert certificate.versions.get(number=1).key is not None


def test_a_brought_request_can_be_cancelled_answered_late_and_its_record_deleted() -> None:
    operation = make_brought()
    withdrawing.cancel(operation=operation, by=SYSTEM)

    version = answered(operation)
    withdrawing.delete_operation(operation=operation, by=SYSTEM)

    assert Version.objects.get().pk == version.pk


def test_a_certificate_without_keys_is_deleted_recovered_and_purged_like_any_other() -> None:
    operation = make_brought()
    answered(operation)
    certificate = Certificate.objects.select_related("vault").get()

    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    retiring.recover_certificate(certificate=certificate, by=SYSTEM)
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    retiring.purge_certificate(certificate=certificate, by=SYSTEM)

    assert not Certificate.objects.exists()
    assert not Version.objects.exists()
    assert not Operation.objects.filter(Q(certificate=certificate.pk)).exists()


def test_purging_a_brought_certificate_leaves_the_key_of_another_alone() -> None:
    key = ec_key()
    other = make_certificate()
    answered(make_brought(csr=make_csr(key=key)))
    certificate = Certificate.objects.exclude(pk=other.pk).select_related("vault").get()
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    retiring.purge_certificate(certificate=certificate, by=SYSTEM)

    assert Key.objects.count() == 1


def test_reading_a_request_and_asking_for_it_agree_on_the_policy() -> None:
    der = make_csr("a.example", key=ec_key("P-521"))
    policy = make_policy(issuer_name=UNKNOWN)

    operation = make_brought(csr=der)

    shown = issuing.prepare(operation.vault, bringing.policy_for(read_brought(der), policy))
    assert operation.policy == shown
