from collections.abc import Callable

import pytest
from django.test import Client

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault.models import AuditEvent, Version

SignIn = Callable[[User], Client]


def address(version: Version, path: str = "") -> str:
    certificate = version.certificate
    return f"/vaults/{certificate.vault}/certificates/{certificate}/versions/{version}/{path}"


def test_an_older_version_stays_readable_and_says_that_it_is_older(client_of: SignIn) -> None:
    vault = make_vault()
    older = make_certificate(vault=vault, name="shop").current
    newer = make_certificate(vault=vault, name="shop").current
    browser = client_of(make_member(vault, Role.READER))

    pages = {version: browser.get(address(version)).text for version in (older, newer)}

    assert "An older version" in pages[older]
    assert older.serial in pages[older]
    assert "The current version" in pages[newer]


def test_extensions_and_chain_are_put_into_words(client_of: SignIn) -> None:
    vault = make_vault()
    version = make_certificate(vault=vault).current

    text = client_of(make_member(vault, Role.READER)).get(address(version)).text

    for words in ("Key usage", "Digital signature", "TLS server", "Is not a CA", "It is its own issuer"):
        assert words in text


@pytest.mark.parametrize("wrong", ["0" * 32, "f" * 32])
def test_a_version_that_is_not_there_is_not_found(client_of: SignIn, wrong: str) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop")

    response = client_of(make_member(vault)).get(f"/vaults/{vault}/certificates/shop/versions/{wrong}/")

    assert response.status_code == 404


def test_a_version_is_not_found_under_another_certificate(client_of: SignIn) -> None:
    vault = make_vault()
    version = make_certificate(vault=vault, name="one").current
    make_certificate(vault=vault, name="two")

    response = client_of(make_member(vault)).get(f"/vaults/{vault}/certificates/two/versions/{version}/")

    assert response.status_code == 404


def test_a_stranger_finds_no_version(client_of: SignIn) -> None:
    version = make_certificate().current

    response = client_of(make_user()).get(address(version))

    assert response.status_code == 404


def test_disabling_and_enabling_are_done_by_post_and_noted(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    version = make_certificate(vault=vault, by=officer).current
    browser = client_of(officer)

    states = []
    for verb in ("disable", "enable"):
        response = browser.post(address(version, f"{verb}/"))
        assert (response.status_code, response["Location"]) == (303, address(version))
        version.refresh_from_db()
        states.append(version.enabled)

    assert states == [False, True]
    actions = AuditEvent.objects.filter(actor=officer.username).values_list("action", flat=True)
    assert {"certificates/disable", "certificates/enable"} <= set(actions)


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_reader_changes_no_version_and_a_look_changes_nothing(client_of: SignIn, verb: str) -> None:
    vault = make_vault()
    version = make_certificate(vault=vault).current

    refused = client_of(make_member(vault, Role.READER)).post(address(version, f"{verb}/"))
    looked = client_of(make_member(vault)).get(address(version, f"{verb}/"))

    version.refresh_from_db()
    assert (refused.status_code, looked.status_code) == (403, 405)
    assert version.enabled
