"""Rights: what roles, ownership and a token leave of one another."""

import pytest

from portal import access
from portal.models import Role
from portal.rights import Rights
from tests.factories import make_certificate, make_member, make_vault

READ = frozenset({"certificates/get"})


class Asks:
    """Someone who asks at the API's door, where the vault is looked up once."""

    META: dict[str, str] = {}

    def __init__(self, user) -> None:
        self.user = user


def at_the_door(user, vault) -> Asks:
    asks = Asks(user)
    asks.vault = access.enter(asks, vault.name)
    return asks


def test_a_scope_takes_away_and_gives_nothing() -> None:
    officer, reader = Rights([Role.OFFICER], scope=READ), Rights([Role.AUDITOR], scope=READ)

    assert "certificates/get" in officer
    assert "certificates/create" not in officer
    assert "certificates/get" not in reader
    assert "certificates/create" in officer.without_scope()


def test_what_someone_sees_does_not_depend_on_the_scope() -> None:
    assert Rights([Role.READER], scope=READ).sees_all
    assert Rights([Role.REQUESTER], scope=READ).sees_own_only
    assert not Rights([Role.AUDITOR]).sees_all


def test_a_requester_could_do_to_their_own_what_the_scope_leaves() -> None:
    assert Rights([Role.REQUESTER]).could("secrets/get")
    assert Rights([Role.REQUESTER], scope=READ).could("certificates/get")
    assert not Rights([Role.REQUESTER], scope=READ).could("secrets/get")
    assert not Rights([Role.REQUESTER]).could("certificates/purge")
    assert not Rights([Role.AUDITOR]).could("certificates/get")


def test_looking_at_ones_own_certificate_first_opens_no_other() -> None:
    vault = make_vault("payments")
    rahul = make_member(vault, Role.REQUESTER)
    make_certificate(vault=vault, name="mine", by=rahul)
    make_certificate(vault=vault, name="theirs")
    asks = at_the_door(rahul, vault)

    assert access.certificate_for(asks, "payments", "mine", may="secrets/get")
    assert "secrets/get" in asks.rights
    with pytest.raises(access.NotFound):
        access.certificate_for(asks, "payments", "theirs", may="certificates/get")
    assert access.certificate_for(asks, "payments", "mine", may="certificates/get")
    access.vault_for(asks, "payments", may="vaults/get")
    assert "secrets/get" not in asks.rights


def test_the_vault_at_the_door_is_not_taken_for_another() -> None:
    vault, other = make_vault("payments"), make_vault("intranet")
    rahul = make_member(vault)
    asks = at_the_door(rahul, vault)

    with pytest.raises(access.NotFound):
        access.vault_for(asks, other.name, may="vaults/get")
