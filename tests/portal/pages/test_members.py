"""Who is a member of a vault, and in which role."""

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal import memberships
from portal.models import Membership, Role, User
from tests.factories import actor_of, make_member, make_user, make_vault
from vault.errors import NotAllowed
from vault.models import AuditEvent, Vault

ClientOf = Callable[[User], Client]
INDEX, ADD = reverse("members:index", args=["payments"]), reverse("members:add", args=["payments"])


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def boss(vault: Vault) -> User:
    return make_member(vault, Role.ADMINISTRATOR, make_user("boss"))


@pytest.fixture
def browser(client_of: ClientOf, boss: User) -> Client:
    return client_of(boss)


def membership(vault: Vault, role: str = Role.READER) -> Membership:
    return Membership.objects.get(vault=vault, user=make_member(vault, role))


def change_url(member: Membership) -> str:
    return reverse("members:change", args=["payments", member.pk])


def remove_url(member: Membership) -> str:
    return reverse("members:remove", args=["payments", member.pk])


def last_event() -> AuditEvent:
    return AuditEvent.objects.filter(action__startswith="access/").latest("id")


# --------------------------------------------------------------------- the list
def test_every_member_sees_the_members_and_only_administrators_the_means_to_change_them(
    client_of: ClientOf, vault: Vault, boss: User
) -> None:
    for role in Role.values:
        page = client_of(make_member(vault, role)).get(INDEX)
        assert page.status_code == 200
        assert ("Add a member" in page.content.decode()) == (role == Role.ADMINISTRATOR)
        assert ("/change/" in page.content.decode()) == (role == Role.ADMINISTRATOR)


def test_a_stranger_finds_nothing(client_of: ClientOf, vault: Vault, boss: User) -> None:
    member = membership(vault)
    browser = client_of(make_user(staff=True))

    urls = [("get", INDEX), ("get", ADD), ("post", ADD), ("post", change_url(member)), ("post", remove_url(member))]
    assert {getattr(browser, method)(url).status_code for method, url in urls} == {404}


@pytest.mark.parametrize("role", [Role.READER, Role.REQUESTER, Role.OFFICER, Role.AUDITOR])
def test_other_roles_change_nothing(client_of: ClientOf, vault: Vault, boss: User, role: Role) -> None:
    member = membership(vault)
    browser = client_of(make_member(vault, role))

    answers = [
        browser.get(ADD),
        browser.post(ADD, {"person": "boss", "role": "reader"}),
        browser.post(change_url(member), {"role": "administrator"}),
        browser.post(remove_url(member)),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert "Ask boss" in answers[0].content.decode()
    member.refresh_from_db()
    assert member.role == Role.READER


def test_the_list_costs_the_same_however_many_members_there_are(
    browser: Client, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people = User.objects.bulk_create(User(username=f"person{number}") for number in range(120))
    Membership.objects.bulk_create(Membership(vault=vault, user=person, role=Role.READER) for person in people)
    browser.get(INDEX)

    with django_assert_max_num_queries(6):
        page = browser.get(INDEX)
    second = browser.get(INDEX + page.context["page"].next_url)

    assert len(page.context["page"]) == 50
    assert second.context["page"].rows[0].user.username == "person49"


# ----------------------------------------------------------------------- adding
@pytest.mark.parametrize("written", ["ada", "ADA", " ada@example.org "])
def test_a_person_is_added_by_name_or_address(browser: Client, vault: Vault, written: str) -> None:
    ada = make_user("ada", email="ada@example.org")

    answer = browser.post(ADD, {"person": written, "role": "officer"})

    assert answer["Location"] == INDEX
    assert Membership.objects.get(vault=vault, user=ada).role == Role.OFFICER
    event = last_event()
    assert (event.action, event.actor, event.target, event.details) == (
        "access/grant",
        "boss",
        "people/ada",
        {"role": "officer"},
    )
    assert event.chain_id == vault.pk


def test_a_group_is_added(browser: Client, vault: Vault, client_of: ClientOf) -> None:
    group = Group.objects.create(name="Operators")
    person = make_user()
    person.groups.add(group)

    browser.post(ADD, {"group": str(group.pk), "role": "reader"})

    assert client_of(person).get(INDEX).status_code == 200
    assert last_event().target == "groups/Operators"


def test_without_groups_the_form_does_not_ask_for_one(browser: Client) -> None:
    assert "group" not in browser.get(ADD).context["form"].fields


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"person": "nobody", "role": "reader"}, "person", "nobody with the user name"),
        ({"person": "gone", "role": "reader"}, "person", "nobody with the user name"),
        ({"person": "", "role": "reader"}, "person", "who is to become a member"),
        ({"person": "ada", "role": "emperor"}, "role", "no such role"),
        ({"person": "ada"}, "role", "Pick a role"),
        ({"person": "member", "role": "reader"}, "person", "is a member of “payments” already"),
        ({"person": "boss", "role": "auditor"}, "person", "what you may do yourself"),
        ({"person": "ada", "group": "1", "role": "reader"}, "group", "no such group"),
        ({"person": "a\x00b", "role": "reader"}, "person", "cannot be seen"),
        ({"person": "x" * 100_000, "role": "reader"}, "person", "at most 254"),
    ],
)
def test_a_bad_member_comes_back_with_the_reason(
    browser: Client, vault: Vault, sent: dict[str, str], field: str, sentence: str
) -> None:
    make_user("ada")
    make_member(vault, Role.READER, make_user("member"))
    User.objects.create(username="gone", is_active=False)
    Group.objects.create(id=7, name="Operators")

    answer = browser.post(ADD, sent)

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert Membership.objects.filter(vault=vault).count() == 2


def test_either_a_person_or_a_group_is_added(browser: Client) -> None:
    make_user("ada")
    group = Group.objects.create(name="Operators")

    answer = browser.post(ADD, {"person": "ada", "group": str(group.pk), "role": "reader"})

    assert "not both" in " ".join(answer.context["form"].errors["group"])


def test_a_person_is_looked_up_while_the_form_is_filled_in(browser: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "id_person_slot"}

    assert "nobody" in browser.post(ADD, {"person": "nobody"}, headers=headers).content.decode()
    assert browser.post(ADD, {"person": "boss"}, headers=headers).content == b""


# --------------------------------------------------------------------- changing
def test_a_role_is_changed(browser: Client, vault: Vault) -> None:
    member = membership(vault)

    answer = browser.post(change_url(member), {"role": "officer"})

    member.refresh_from_db()
    assert answer["Location"] == INDEX
    assert member.role == Role.OFFICER
    assert last_event().details == {"role": "officer", "before": "reader"}


def test_the_same_role_again_is_no_event(browser: Client, vault: Vault) -> None:
    member = membership(vault)

    browser.post(change_url(member), {"role": "reader"})

    assert not AuditEvent.objects.filter(action="access/change").exists()


def test_a_removed_member_is_out_with_the_next_request(browser: Client, vault: Vault, client_of: ClientOf) -> None:
    member = membership(vault)
    assert member.user
    theirs = client_of(member.user)
    before = theirs.get(INDEX).status_code

    browser.post(remove_url(member))

    assert (before, theirs.get(INDEX).status_code) == (200, 404)
    assert last_event().action == "access/revoke"


def test_nobody_changes_their_own_role(browser: Client, vault: Vault, boss: User) -> None:
    make_member(vault, Role.ADMINISTRATOR)
    own = Membership.objects.get(vault=vault, user=boss)

    answers = [browser.post(change_url(own), {"role": "officer"}), browser.post(remove_url(own))]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert "what you may do yourself" in answers[0].content.decode()
    own.refresh_from_db()
    assert own.role == Role.ADMINISTRATOR


def test_nobody_changes_their_own_role_through_a_group(browser: Client, vault: Vault, boss: User) -> None:
    group = Group.objects.create(name="Operators")
    boss.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.READER)

    answer = browser.post(change_url(Membership.objects.get(group=group)), {"role": "auditor"})

    assert answer.status_code == 422


def test_a_role_that_does_not_exist_is_refused(browser: Client, vault: Vault) -> None:
    member = membership(vault)

    answer = browser.post(change_url(member), {"role": "emperor"})

    assert answer.status_code == 422
    assert "no such role" in answer.content.decode()


def test_a_member_of_another_vault_is_not_found(browser: Client) -> None:
    other = membership(make_vault("other"))

    assert browser.post(change_url(other), {"role": "officer"}).status_code == 404
    assert browser.post(remove_url(other)).status_code == 404


def test_the_last_administrator_stays(vault: Vault, boss: User) -> None:
    by = actor_of(make_user())
    own = Membership.objects.select_related("user", "vault").get(user=boss)

    with pytest.raises(NotAllowed, match="last administrator of “payments”"):
        memberships.remove(membership=own, by=by)
    with pytest.raises(NotAllowed, match="last administrator of “payments”"):
        memberships.change(membership=own, role=Role.READER, by=by)

    assert Membership.objects.get(user=boss).role == Role.ADMINISTRATOR


def test_an_empty_group_and_a_deactivated_person_do_not_administer(vault: Vault, boss: User) -> None:
    group = Group.objects.create(name="Nobody")
    Membership.objects.create(vault=vault, group=group, role=Role.ADMINISTRATOR)
    gone = User.objects.create(username="gone", is_active=False)
    make_member(vault, Role.ADMINISTRATOR, gone)
    own = Membership.objects.select_related("user", "vault").get(user=boss)

    with pytest.raises(NotAllowed, match="last administrator"):
        memberships.remove(membership=own, by=actor_of(make_user()))


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_remove_each_other_one_stays() -> None:
    vault = make_vault("payments")
    both = [make_member(vault, Role.ADMINISTRATOR), make_member(vault, Role.ADMINISTRATOR)]
    gate, refused = threading.Barrier(2), []

    def remove(member: User, by: User) -> None:
        found = Membership.objects.select_related("user", "vault").get(user=member)
        gate.wait()
        try:
            memberships.remove(membership=found, by=actor_of(by))
        except NotAllowed as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in (both, both[::-1])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(refused) == 1
    assert Membership.objects.count() == 1
