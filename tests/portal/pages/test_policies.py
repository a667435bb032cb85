from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import actor_of, make_brought, make_certificate, make_member, make_operation, make_user, make_vault
from tests.portal.browsing import answers_on, changed
from vault.lifecycle import retiring
from vault.models import AuditEvent, Certificate, Issuer, Operation, Vault
from vault.models.policy import AlternativeNames, LifetimeAction, LifetimeActionType, Validity

ClientOf = Callable[[User], Client]
URL = "/vaults/payments/certificates/shop/policy/"


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def owner(vault: Vault) -> User:
    return make_member(vault, Role.REQUESTER)


@pytest.fixture
def certificate(vault: Vault, owner: User) -> Certificate:
    return make_certificate(vault=vault, name="shop", by=owner)


def save(client: Client, **changes: Any) -> HttpResponse:
    return client.post(URL, changed(answers_on(client.get(URL)), **changes))


@pytest.mark.parametrize("role", [None, Role.REQUESTER, Role.AUDITOR])
@pytest.mark.parametrize("address", [URL, URL + "field/"])
def test_who_cannot_see_the_certificate_finds_nothing(
    vault: Vault, certificate: Certificate, client_of: ClientOf, role: Role | None, address: str
) -> None:
    person = make_member(vault, role) if role else make_user()

    answer = client_of(person).post(address, {"names": "evil.example"})

    assert answer.status_code == 404


@pytest.mark.parametrize("address", [URL, URL + "field/"])
def test_a_reader_is_told_who_can_help(
    vault: Vault, certificate: Certificate, client_of: ClientOf, address: str
) -> None:
    make_member(vault, Role.ADMINISTRATOR, make_user("grace"))

    answer = client_of(make_member(vault, Role.READER)).post(address, {"names": "evil.example"})

    assert answer.status_code == 403
    assert "grace" in answer.content.decode()


def test_owner_and_officer_change_what_rules_the_next_version(
    vault: Vault, certificate: Certificate, owner: User, client_of: ClientOf
) -> None:
    for person, days in ((owner, 30), (make_member(vault, Role.OFFICER), 60)):
        answer = save(client_of(person), validity_number=days, validity_unit="days")

        certificate.refresh_from_db()
        assert (answer.status_code, answer["Location"]) == (303, "/vaults/payments/certificates/shop/")
        assert certificate.policy.validity == Validity(number=days, unit="days")
    assert Operation.objects.count() == 1


def test_a_change_is_an_event_that_says_what_changed(
    certificate: Certificate, owner: User, client_of: ClientOf
) -> None:
    save(client_of(owner), content_type="application/x-pem-file")

    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.right) == (
        "certificates/update-policy",
        owner.username,
        "certificates/update",
    )
    assert event.details == {"changed": ["content_type"]}


def test_saving_an_unchanged_form_changes_nothing(vault: Vault, owner: User, client_of: ClientOf) -> None:
    odd = AlternativeNames(dns=("WWW.example.org",), uris=("https://example.org/a,b",))
    rules = (
        LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, days_before_expiry=7),
        LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=66),
    )
    facts = {"names": odd, "key_usage": ("decipherOnly",), "certificate_type": "OV-SSL", "lifetime_actions": rules}
    before = make_certificate(vault=vault, name="shop", by=owner, **facts).policy

    answer = save(client_of(owner))

    assert answer.status_code == 303
    assert Certificate.objects.get().policy == before


def test_the_policy_can_be_changed_while_a_request_runs_which_keeps_its_own(
    vault: Vault, owner: User, client_of: ClientOf
) -> None:
    operation = make_operation(vault=vault, name="shop", by=owner)

    save(client_of(owner), names="other.example")

    operation.refresh_from_db()
    assert operation.policy.names.dns == ("www.example.org",)
    assert Certificate.objects.get().policy.names.dns == ("other.example",)


def test_a_refused_policy_comes_back_whole_and_changes_nothing(
    certificate: Certificate, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    sent = changed(answers_on(client.get(URL)), names="foo_bar.example\r\nok.example", key="RSA 4096", renewal="renew")

    page = client.post(URL, sent)

    assert page.status_code == 422
    assert answers_on(page) == sent
    assert "underscore" in page.content.decode()
    assert Certificate.objects.get().policy == certificate.policy


def test_an_empty_post_is_a_refused_form(certificate: Certificate, owner: User, client_of: ClientOf) -> None:
    page = client_of(owner).post(URL)

    assert page.status_code == 422
    assert "Choose an issuer." in page.content.decode()


def test_usages_that_do_not_count_are_said(certificate: Certificate, owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)

    save(client, purpose="server", key_usage=["cRLSign"])

    assert "they count only with the purpose “Other”" in client.get(URL).content.decode()


def test_names_that_cannot_be_written_are_shown(vault: Vault, owner: User, client_of: ClientOf) -> None:
    names = AlternativeNames(uris=("https://a.example/b,c",))
    make_certificate(vault=vault, name="shop", by=owner, names=names)

    page = client_of(owner).get(URL)

    assert "https://a.example/b,c" in page.content.decode()
    assert answers_on(page)["keep_names"] == ["on"]


def test_a_deleted_certificate_has_no_policy_to_change(
    certificate: Certificate, owner: User, client_of: ClientOf
) -> None:
    retiring.delete_certificate(certificate=certificate, by=actor_of(owner))

    assert client_of(owner).get(URL).status_code == 404


def test_a_live_check_judges_the_field_it_is_asked_about(
    certificate: Certificate, owner: User, client_of: ClientOf
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "id_subject_slot"}

    answer = client_of(owner).post(URL + "field/", {"subject": "nonsense"}, headers=headers)

    assert answer.status_code == 200
    assert "“nonsense” in the subject has no KEY=" in answer.content.decode()
    assert "Choose an issuer" not in answer.content.decode()


def test_the_form_needs_few_queries(
    certificate: Certificate, owner: User, client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(owner)
    client.get(URL)

    with django_assert_max_num_queries(6):
        client.get(URL)


def test_another_issuer_brings_its_usual_renewal(certificate: Certificate, owner: User, client_of: ClientOf) -> None:
    save(client_of(owner), issuer="Unknown")

    policy = Certificate.objects.get().policy
    expected = LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80)
    assert policy == replace(certificate.policy, issuer_name="Unknown", lifetime_actions=(expected,))


def test_a_certificate_whose_key_is_elsewhere_is_not_made_to_renew(owner: User, client_of: ClientOf) -> None:
    vault = make_vault()
    make_member(vault, Role.OFFICER, owner)
    operation = make_brought(vault=vault, name="brought", by=owner)
    Issuer.objects.create(vault=vault, name="public-ca", provider="Nobody", secrets=b"")
    client, url = client_of(owner), f"/vaults/{vault}/certificates/brought/policy/"
    answers = answers_on(client.get(url))

    usual = client.post(url, changed(answers, issuer="public-ca", renewal="usual"))
    automatic = client.post(url, changed(answers, issuer="public-ca", renewal="renew"))

    policy = Certificate.objects.get(pk=operation.certificate_id).policy
    assert usual.status_code == 303
    assert policy.issuer_name == "public-ca"
    assert [rule.action for rule in policy.lifetime_actions] == [LifetimeActionType.EMAIL_CONTACTS]
    assert automatic.status_code == 422
    assert "is not in this vault, so that it cannot be renewed automatically" in automatic.text
