"""What holds for people even when two administrators act at the same moment."""

import threading

import pytest
from django.db import connection

from portal import people
from portal.models import Invitation, User
from tests.factories import actor_of, make_user
from vault.errors import Conflict, NotAllowed, NotAllowedNow


def test_the_last_portal_administrator_stays() -> None:
    last, other = make_user(staff=True), make_user()

    with pytest.raises(NotAllowed, match="last portal administrator"):
        people.withdraw_administrator(person=last, by=actor_of(other))
    with pytest.raises(NotAllowed, match="last portal administrator"):
        people.deactivate(person=last, by=actor_of(other))

    last.refresh_from_db()
    assert (last.is_staff, last.is_active) == (True, True)


def test_a_deactivated_administrator_does_not_count() -> None:
    last, other = make_user(staff=True), make_user()
    User.objects.create(username="gone", is_staff=True, is_active=False)

    with pytest.raises(NotAllowed, match="last portal administrator"):
        people.withdraw_administrator(person=last, by=actor_of(other))


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_withdraw_each_other_one_stays() -> None:
    both = [make_user(staff=True), make_user(staff=True)]
    gate, refused = threading.Barrier(2), []

    def withdraw(person: User, by: User) -> None:
        gate.wait()
        try:
            people.withdraw_administrator(person=person, by=actor_of(by))
        except NotAllowed as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=withdraw, args=pair) for pair in (both, both[::-1])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(refused) == 1
    assert User.objects.filter(is_staff=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_invitation_one_sets_the_password() -> None:
    user = make_user()
    token = Invitation.issue(user)
    gate, results = threading.Barrier(2), []

    def accept(password: str) -> None:
        invitation = Invitation.open_for(token)
        gate.wait()
        try:
            assert invitation
            people.accept(invitation=invitation, password=password, by=actor_of(user))
            results.append(password)
        except NotAllowedNow:
            results.append("")
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[password]) for password in ("one", "two")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    user.refresh_from_db()
    assert "" in results
    assert user.check_password("".join(results))


def test_inviting_a_taken_name_is_refused_in_any_case() -> None:
    make_user("ada")

    with pytest.raises(Conflict, match="“ADA” already"):
        people.invite(username="ADA", full_name="A", email="", is_administrator=False, by=actor_of(None))


@pytest.mark.parametrize("full", ["Ada", "Ada Lovelace", "Augusta Ada King", ""])
def test_a_full_name_comes_back_as_it_was_given(full: str) -> None:
    first, last = people.split_name(full)

    assert User(first_name=first, last_name=last).get_full_name() == full


def test_nobody_makes_a_link_for_themselves() -> None:
    root = make_user(staff=True)

    with pytest.raises(NotAllowed, match="link for yourself"):
        people.new_link(person=root, by=actor_of(root))
