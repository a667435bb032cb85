import threading
import uuid

import pytest
from django.db import connection, connections

from tests.factories import EC_KEY, actor_of, make_certificate, make_member, make_operation, make_policy, make_vault
from vault import tasks
from vault.errors import BadName, NameTaken, NotAllowedNow, PolicyViolation, TooMany
from vault.keys.making import open_key
from vault.lifecycle import issuing, retiring
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Key, Operation
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import SELF, UNKNOWN, AlternativeNames, KeyPolicy, LifetimeActionType
from vault.x509 import certificates
from vault.x509.requests import describe_csr


def test_a_request_to_self_is_completed_by_one_step_of_the_worker() -> None:
    vault = make_vault()
    operation = make_operation(vault=vault, name="www", issuer=SELF)

    tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    certificate = Certificate.objects.get(vault=vault, name="www")
    assert operation.status == Operation.Status.COMPLETED
    assert operation.version == certificate.current
    facts = certificates.facts(bytes(certificate.current.der))
    assert facts.subject == "CN=www.example.org"
    assert ("dns", "www.example.org") in facts.names
    assert certificate.expires_at == facts.not_after


@pytest.mark.parametrize(
    "key",
    [
        KeyPolicy(kty="RSA", size=2048),
        KeyPolicy(kty="RSA", size=3072),
        KeyPolicy(kty="EC", size=None, curve="P-256"),
        KeyPolicy(kty="EC", size=None, curve="P-384"),
        KeyPolicy(kty="EC", size=None, curve="P-521"),
        KeyPolicy(kty="EC", size=None, curve="P-256K"),
    ],
    ids=lambda key: key.title,
)
def test_every_kind_of_key_is_made_and_certified(key: KeyPolicy) -> None:
    certificate = make_certificate(key=key)

    version = certificate.current
    assert version.key_title == key.title
    assert certificates.facts(bytes(version.der)).spki_sha256 == version.key.spki_sha256


def test_the_request_is_there_before_anything_is_sent() -> None:
    operation = make_operation(issuer=SELF)

    facts = describe_csr(bytes(operation.csr))
    assert operation.step == Operation.Step.READY
    assert facts.signature_ok
    assert facts.spki_sha256 == operation.key.spki_sha256


def test_a_second_request_for_the_same_certificate_is_refused_while_one_is_in_progress() -> None:
    vault = make_vault()
    make_operation(vault=vault, name="www")

    with pytest.raises(NotAllowedNow, match="“WWW” is already being issued"):
        make_operation(vault=vault, name="WWW")

    assert Operation.objects.filter(vault=vault).count() == 1
    assert Key.objects.filter(vault=vault).count() == 1


def test_the_same_submission_twice_is_one_operation() -> None:
    vault, person = make_vault(), None
    person = make_member(vault)
    order = Order(name="www", policy=make_policy(), submission=uuid.uuid4())

    first = issuing.request_certificate(vault=vault, order=order, by=actor_of(person))
    second = issuing.request_certificate(vault=vault, order=order, by=actor_of(person))

    assert first == second
    assert Key.objects.filter(vault=vault).count() == 1


def test_somebody_elses_submission_is_not_handed_out() -> None:
    vault = make_vault()
    order = Order(name="www", policy=make_policy(), submission=uuid.uuid4())
    issuing.request_certificate(vault=vault, order=order, by=actor_of(make_member(vault)))

    with pytest.raises(NotAllowedNow):
        issuing.request_certificate(vault=vault, order=order, by=actor_of(make_member(vault)))


@pytest.mark.django_db(transaction=True)
def test_fifty_submissions_at_once_make_one_operation() -> None:
    vault = make_vault()
    person = make_member(vault)
    order = Order(name="www", policy=make_policy(), submission=uuid.uuid4())
    found: list[int] = []

    def submit() -> None:
        try:
            found.append(issuing.request_certificate(vault=vault, order=order, by=actor_of(person)).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 50
    assert len(set(found)) == 1
    assert Operation.objects.count() == Key.objects.count() == 1


def test_a_new_version_keeps_the_certificate_and_becomes_current() -> None:
    certificate = make_certificate(name="www")
    first = certificate.current

    again = make_operation(vault=certificate.vault, name="www", issuer=SELF)
    tasks.advance_operation(again.pk)

    certificate.refresh_from_db()
    assert certificate.current != first
    assert certificate.current.number == 2
    assert certificate.current.key != first.key


def test_a_key_is_reused_when_the_policy_says_so() -> None:
    key = KeyPolicy(kty="EC", size=None, curve="P-256", reuse=True)
    certificate = make_certificate(name="www", key=key)

    again = make_operation(vault=certificate.vault, name="www", issuer=SELF, key=key)

    assert again.key == certificate.current.key


def test_a_key_that_may_leave_is_not_reused_for_one_that_may_not() -> None:
    certificate = make_certificate(name="www", key=KeyPolicy(kty="EC", size=None, curve="P-256", reuse=True))
    stricter = KeyPolicy(kty="EC", size=None, curve="P-256", reuse=True, exportable=False)

    again = make_operation(vault=certificate.vault, name="www", issuer=SELF, key=stricter)

    assert again.key != certificate.current.key
    assert not again.key.exportable


@pytest.mark.parametrize("name", ["", "a" * 128, "www.example.org", "ünï", "a b", "a\x00b", "a\n", "<script>"])
def test_a_name_that_cannot_be_a_certificates_is_refused(name: str) -> None:
    vault = make_vault()

    with pytest.raises(BadName):
        issuing.request_certificate(vault=vault, order=Order(name=name, policy=make_policy()), by=SYSTEM)

    assert not Certificate.objects.filter(vault=vault).exists()


def test_a_name_held_by_a_deleted_certificate_says_so() -> None:
    certificate = make_certificate(name="www")
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    with pytest.raises(NameTaken, match="Recover or purge it first") as caught:
        make_operation(vault=certificate.vault, name="www")

    assert caught.value.recoverable


def test_an_issuer_that_the_vault_does_not_have_is_refused() -> None:
    with pytest.raises(PolicyViolation, match="“DigiCert” is not an issuer"):
        make_operation(issuer="DigiCert")


def test_issuers_are_found_whatever_the_case() -> None:
    assert make_operation(issuer="uNKNOWN").issuer_name == UNKNOWN


def test_without_a_rule_self_renews_and_unknown_tells_people() -> None:
    by_self, by_hand = make_operation(issuer=SELF), make_operation(issuer=UNKNOWN)

    assert by_self.policy.lifetime_actions[0].action == LifetimeActionType.AUTO_RENEW
    assert by_hand.policy.lifetime_actions[0].action == LifetimeActionType.EMAIL_CONTACTS


def test_a_person_with_too_many_running_requests_is_told_so(settings) -> None:
    settings.RUNNING_PER_PERSON = 2
    vault = make_vault()
    person = make_member(vault)
    make_operation(vault=vault, by=person)
    make_operation(vault=vault, by=person)

    with pytest.raises(TooMany, match="2 requests in progress"):
        make_operation(vault=vault, by=person)


def test_a_vault_with_too_many_running_requests_says_so(settings) -> None:
    settings.RUNNING_PER_VAULT = 1
    vault = make_vault()
    make_operation(vault=vault)

    with pytest.raises(TooMany, match="has 1 requests in progress"):
        make_operation(vault=vault)


def test_a_refused_request_leaves_nothing_behind() -> None:
    vault = make_vault()
    before = AuditEvent.objects.count()

    with pytest.raises(PolicyViolation):
        make_operation(vault=vault, subject="", names=AlternativeNames())

    assert not vault.certificates.exists()
    assert not vault.keys.exists()
    assert AuditEvent.objects.count() == before


def test_the_sealed_key_opens_only_for_its_own_row() -> None:
    one, other = make_operation(), make_operation()
    one.key.sealed = other.key.sealed

    from vault.errors import RingError

    with pytest.raises(RingError, match="does not open here"):
        open_key(one.key)


def test_asking_for_an_ec_certificate_takes_few_queries(django_assert_max_num_queries) -> None:
    vault = make_vault()
    person = make_member(vault)

    with django_assert_max_num_queries(17):
        make_operation(vault=vault, issuer=SELF, by=person, key=EC_KEY)
    assert connection.queries is not None
