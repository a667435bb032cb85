"""Applications on pages: who makes them, secrets that are shown once, roles, and how they end."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from portal import applications, memberships
from portal.models import Application, Membership, Role, User
from tests.factories import make_member, make_user, make_vault
from tests.portal.browsing import answers_on, changed
from vault.errors import Conflict, NotAllowed
from vault.models import AuditEvent
from vault.models.audit import SYSTEM

ClientOf = Callable[[User], Client]
INDEX, NEW = reverse("applications:index"), reverse("applications:new")
PASSWORD = "correct horse battery"


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def ruler() -> User:
    return with_password(make_member(make_vault("payments"), Role.ADMINISTRATOR))


@pytest.fixture
def browser(client_of: ClientOf, ruler: User) -> Client:
    return client_of(ruler)


def made(name: str, owner: User) -> Application:
    return applications.make(name=name, owner=owner, days=30, by=SYSTEM)[0]


def shown(response) -> str:
    found = re.search(r"chs_[0-9A-Za-z]{49}", response.content.decode())
    assert found
    return found[0]


def words(response) -> str:
    return " ".join(response.content.decode().split())


# ------------------------------------------------------------------------ making
def test_an_application_is_made_and_its_secret_shown_once(browser: Client, ruler: User) -> None:
    answers = answers_on(browser.get(NEW))

    response = browser.post(NEW, changed(answers, name="web-frontend", password=PASSWORD))

    text = shown(response)
    application = Application.objects.get()
    assert response["Cache-Control"] == "no-store"
    assert (application.name, application.user) == ("web-frontend", ruler)
    assert applications.secret_of(application.client_id, text) == application.secrets.get()
    for page in (INDEX, reverse("applications:detail", args=[application.pk])):
        content = browser.get(page).content.decode()
        assert application.client_id in content
        assert text not in content
        assert f"{text[:8]}…" in content
    assert AuditEvent.objects.filter(action="applications/create", actor=ruler.username).exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "a b"}, "cannot be an application"),
        ({"name": "x"}, "cannot be an application"),
        ({"name": "Ada"}, "a person or an application called “Ada” already"),
        ({"name": "x" * 61}, "too long"),
        ({"days": "0"}, "Choose 1 to 730 days."),
        ({"days": "soon"}, "Choose 1 to 730 days."),
        ({"password": "wrong"}, "This is not your password."),
        ({"password": ""}, "Type your password."),
    ],
)
def test_what_cannot_be_is_refused(browser: Client, change: dict[str, str], sentence: str) -> None:
    make_user("ada")

    response = browser.post(NEW, {"name": "web-frontend", "days": "30", "password": PASSWORD, **change})

    assert response.status_code == 422
    assert sentence in words(response)
    assert not Application.objects.exists()


def test_who_makes_applications(client_of: ClientOf) -> None:
    vault = make_vault("payments")
    people = {role: make_member(vault, role) for role in Role}
    group = Group.objects.create(name="rulers")
    Membership.objects.create(vault=vault, group=group, role=Role.ADMINISTRATOR)
    through_group = make_user()
    through_group.groups.add(group)

    seen = {role: client_of(person).get(NEW).status_code for role, person in people.items()}

    assert seen == {role: 200 if role == Role.ADMINISTRATOR else 403 for role in Role}
    assert client_of(through_group).get(NEW).status_code == 200
    assert client_of(make_user(staff=True)).get(NEW).status_code == 200
    assert client_of(make_user()).get(INDEX).status_code == 403
    assert Client().get(NEW).status_code == 302


ACTS = ("secret", "active", "delete")


def test_only_the_owner_and_portal_administrators_come_near_one(client_of: ClientOf, ruler: User) -> None:
    application = made("web-frontend", ruler)
    stranger = client_of(make_member(make_vault("elsewhere"), Role.ADMINISTRATOR))
    address = reverse("applications:detail", args=[application.pk])

    assert stranger.get(address).status_code == 404
    assert "web-frontend" not in stranger.get(INDEX).content.decode()
    for act in ACTS:
        assert stranger.post(reverse(f"applications:{act}", args=[application.pk])).status_code == 404
    removal = reverse("applications:remove-secret", args=[application.pk, application.secrets.get().pk])
    assert stranger.post(removal).status_code == 404
    assert application.secrets.count() == 1
    administrator = client_of(make_user(staff=True))
    assert administrator.get(address).status_code == 200
    assert "web-frontend" in administrator.get(INDEX).content.decode()


@pytest.mark.parametrize("act", [*ACTS, "remove-secret"])
def test_what_acts_is_not_reached_by_get(browser: Client, ruler: User, act: str) -> None:
    application = made("web-frontend", ruler)
    rest = [application.secrets.get().pk] if act == "remove-secret" else []

    assert browser.get(reverse(f"applications:{act}", args=[application.pk, *rest])).status_code == 405


def test_the_list_costs_the_same_however_many_there_are(
    browser: Client, ruler: User, django_assert_max_num_queries
) -> None:
    for number in range(12):
        made(f"program-{number}", ruler)

    with django_assert_max_num_queries(8):
        page = browser.get(INDEX).content.decode()

    assert page.count("program-") >= 12


# ----------------------------------------------------------------------- secrets
def test_a_second_secret_is_made_beside_the_first_and_no_third(browser: Client, ruler: User) -> None:
    application = made("web-frontend", ruler)
    address = reverse("applications:secret", args=[application.pk])

    text = shown(browser.post(address, {"days": "30", "password": PASSWORD}))
    third = browser.post(address, {"days": "30", "password": PASSWORD})

    assert applications.secret_of(application.client_id, text)
    assert application.secrets.count() == 2
    assert third.status_code == 422
    assert "has 2 secrets" in words(third)


def test_a_secret_needs_the_password(browser: Client, ruler: User) -> None:
    application = made("web-frontend", ruler)

    response = browser.post(reverse("applications:secret", args=[application.pk]), {"days": "30", "password": "no"})

    assert response.status_code == 422
    assert application.secrets.count() == 1


def test_a_secret_is_removed(browser: Client, ruler: User) -> None:
    application = made("web-frontend", ruler)
    address = reverse("applications:remove-secret", args=[application.pk, application.secrets.get().pk])

    assert browser.post(address).status_code == 303
    assert browser.post(address).status_code == 404
    assert not application.secrets.exists()


# ------------------------------------------------------------------- how it ends
def test_it_is_disabled_and_enabled(browser: Client, ruler: User) -> None:
    application = made("web-frontend", ruler)
    address = reverse("applications:active", args=[application.pk])

    browser.post(address, {"active": "no"})
    assert not User.objects.get(pk=application.account_id).is_active
    browser.post(address, {"active": "yes"})
    assert User.objects.get(pk=application.account_id).is_active


def test_it_is_deleted_by_its_name_and_leaves_what_it_asked_for(browser: Client, ruler: User) -> None:
    from tests.factories import make_operation

    application, vault = made("web-frontend", ruler), make_vault("intranet")
    memberships.add(vault=vault, member=application.account, role=Role.OFFICER, by=SYSTEM)
    operation = make_operation(vault=vault, by=application.account)
    address = reverse("applications:delete", args=[application.pk])

    assert browser.post(address, {"confirm": "web"}).status_code == 422
    assert browser.post(address, {"confirm": "web-frontend"}).status_code == 303

    operation.refresh_from_db()
    assert operation.requested_by is None
    assert not Application.objects.exists()
    assert not User.objects.filter(is_application=True).exists()
    assert not Membership.objects.filter(vault=vault).exists()
    assert made("web-frontend", ruler)


# ------------------------------------------------------------- no person, a member
def test_a_vault_makes_it_a_member_by_its_name(browser: Client, ruler: User) -> None:
    application = made("web-frontend", ruler)

    response = browser.post(reverse("members:add", args=["payments"]), {"person": "web-frontend", "role": "reader"})

    assert response.status_code == 303
    assert Membership.objects.get(user=application.account).role == Role.READER
    assert "application" in browser.get(reverse("members:index", args=["payments"])).content.decode()


def test_it_is_nobody_among_people(client_of: ClientOf, ruler: User) -> None:
    application = made("web-frontend", ruler)
    administrator = client_of(with_password(make_user(staff=True)))

    assert "web-frontend" not in administrator.get(reverse("people:index")).content.decode()
    assert administrator.get(reverse("people:detail", args=[application.account_id])).status_code == 404
    assert administrator.post(reverse("people:link", args=[application.account_id])).status_code == 404
    refused = administrator.post(
        reverse("vaults:new"), {"name": "another", "administrator": "web-frontend", "retention_days": "90"}
    )
    assert refused.status_code == 422


def test_its_name_is_taken_for_people_too(ruler: User) -> None:
    from portal import people

    made("web-frontend", ruler)

    with pytest.raises(Conflict):
        people.invite(username="Web-Frontend", full_name="", email="", is_administrator=False, by=SYSTEM)


def test_a_vault_is_not_left_to_an_application_alone(ruler: User) -> None:
    application = made("web-frontend", ruler)
    vault = make_vault("intranet")
    ada = make_member(vault, Role.ADMINISTRATOR)
    memberships.add(vault=vault, member=application.account, role=Role.ADMINISTRATOR, by=SYSTEM)

    with pytest.raises(NotAllowed, match="last administrator"):
        memberships.remove(membership=Membership.objects.get(user=ada), by=SYSTEM)
