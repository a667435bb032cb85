"""Who answers for a certificate."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from portal.models import Membership, Role, User
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault.models import AuditEvent, Certificate, Vault

ClientOf = Callable[[User], Client]
CHANGE = reverse("owners:change", args=["payments", "www"])
DETAIL = reverse("certificates:detail", args=["payments", "www"])


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ada(vault: Vault) -> User:
    return make_member(vault, Role.READER, make_user("ada"))


@pytest.fixture
def bob(vault: Vault) -> User:
    return make_member(vault, Role.REQUESTER, make_user("bob"))


@pytest.fixture
def certificate(vault: Vault, bob: User) -> Certificate:
    return make_certificate(vault=vault, name="www", by=bob)


@pytest.fixture
def browser(client_of: ClientOf, vault: Vault, certificate: Certificate) -> Client:
    return client_of(make_member(vault, Role.OFFICER, make_user("olga")))


def people_of(certificate: Certificate) -> tuple[str, str]:
    kept = Certificate.objects.select_related("owner", "deputy").get(pk=certificate.pk)
    return getattr(kept.owner, "username", ""), getattr(kept.deputy, "username", "")


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="certificates/change-people").order_by("id"))


def test_owner_and_deputy_are_changed_and_worked_out_anew(
    browser: Client, certificate: Certificate, ada: User, bob: User
) -> None:
    before = certificate.look_at

    answer = browser.post(CHANGE, {"owner": str(ada.pk), "deputy": str(bob.pk)})

    certificate.refresh_from_db()
    assert answer["Location"] == DETAIL
    assert people_of(certificate) == ("ada", "bob")
    assert certificate.look_at > before
    (event,) = events()
    assert (event.actor, event.target, event.details) == (
        "olga",
        "certificates/www",
        {"owner": "ada", "deputy": "bob"},
    )
    page = browser.get(DETAIL).content.decode()
    assert "Who answers for it" in page
    assert CHANGE in page


def test_the_same_people_again_are_no_event(browser: Client, certificate: Certificate, bob: User) -> None:
    for _ in range(2):
        browser.post(CHANGE, {"owner": str(bob.pk), "deputy": ""})

    assert not events()


def test_nobody_may_answer_for_it(browser: Client, certificate: Certificate) -> None:
    browser.post(CHANGE, {"owner": "", "deputy": ""})

    assert people_of(certificate) == ("", "")


@pytest.mark.parametrize(
    ("owner", "deputy", "field", "sentence"),
    [
        ("bob", "bob", "deputy", "someone besides the owner"),
        ("", "ada", "deputy", "Choose an owner first"),
        ("stan", "", "owner", "no member of this vault"),
        ("robot", "", "owner", "no member of this vault"),
        ("gone", "", "owner", "no member of this vault"),
    ],
)
def test_who_cannot_answer_for_it_comes_back_with_the_reason(
    browser: Client,
    vault: Vault,
    certificate: Certificate,
    ada: User,
    owner: str,
    deputy: str,
    field: str,
    sentence: str,
) -> None:
    make_member(make_vault("elsewhere"), Role.OFFICER, make_user("stan"))
    make_member(vault, Role.OFFICER, User.objects.create(username="robot", is_application=True))
    make_member(vault, Role.OFFICER, User.objects.create(username="gone", is_active=False))
    keys = {person.username: str(person.pk) for person in User.objects.all()}

    answer = browser.post(CHANGE, {"owner": keys.get(owner, ""), "deputy": keys.get(deputy, "")})

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert people_of(certificate) == ("bob", "")


def test_members_through_a_group_can_be_chosen(browser: Client, vault: Vault, certificate: Certificate) -> None:
    group, gus = Group.objects.create(name="team"), make_user("gus")
    gus.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.READER)

    browser.post(CHANGE, {"owner": str(gus.pk), "deputy": ""})

    assert people_of(certificate) == ("gus", "")


def test_an_owner_who_left_is_pointed_out(browser: Client, certificate: Certificate, bob: User) -> None:
    Membership.objects.filter(user=bob).delete()

    page = browser.get(CHANGE)

    assert "Is no active member of this vault any more" in page.content.decode()


def test_a_requester_gives_away_what_they_own_and_does_not_see_it_any_more(
    client_of: ClientOf, certificate: Certificate, ada: User, bob: User
) -> None:
    answer = client_of(bob).post(CHANGE, {"owner": str(ada.pk), "deputy": ""})

    assert answer["Location"] == reverse("certificates:index", args=["payments"])
    assert people_of(certificate) == ("ada", "")
    assert client_of(bob).get(DETAIL).status_code == 404


def test_a_reader_and_a_stranger_change_nothing(
    client_of: ClientOf, certificate: Certificate, ada: User, bob: User
) -> None:
    changes = {"owner": str(ada.pk), "deputy": ""}

    assert client_of(ada).post(CHANGE, changes).status_code == 403
    assert client_of(make_user(staff=True)).post(CHANGE, changes).status_code == 404
    assert "/owner/" not in client_of(ada).get(DETAIL).content.decode()
    assert people_of(certificate) == ("bob", "")
