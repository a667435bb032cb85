from collections.abc import Callable

from django.test import Client

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault.lifecycle import retiring
from vault.models import AuditEvent, Certificate, Key, Vault
from vault.models.audit import SYSTEM

SignIn = Callable[[User], Client]


def delete(vault: Vault, name: str, by: User | None = None) -> Certificate:
    certificate = make_certificate(vault=vault, name=name, by=by)
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    return certificate


def test_a_stranger_finds_no_tab(client_of: SignIn) -> None:
    vault = make_vault()

    response = client_of(make_user()).get(f"/vaults/{vault}/deleted/")

    assert response.status_code == 404


def test_each_person_sees_the_deleted_certificates_that_they_could_see_before(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    delete(vault, "mine", by=requester)
    delete(vault, "theirs")

    own = client_of(requester).get(f"/vaults/{vault}/deleted/")
    every = client_of(make_member(vault, Role.READER)).get(f"/vaults/{vault}/deleted/")

    assert [row.name for row in own.context_data["page"].rows] == ["mine"]
    assert {row.name for row in every.context_data["page"].rows} == {"mine", "theirs"}
    assert "Recover" in own.text
    assert "Recover<" not in every.text


def test_many_deleted_certificates_take_few_queries(
    client_of: SignIn, django_assert_max_num_queries: Callable[..., object]
) -> None:
    vault = make_vault()
    officer = make_member(vault)
    for number in range(5):
        delete(vault, f"c{number}", by=officer)
    browser = client_of(officer)
    browser.get(f"/vaults/{vault}/deleted/")

    with django_assert_max_num_queries(6):
        browser.get(f"/vaults/{vault}/deleted/")


def test_recovering_brings_the_certificate_back_with_its_version(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    delete(vault, "shop", by=officer)
    browser = client_of(officer)

    response = browser.post(f"/vaults/{vault}/deleted/shop/recover/")

    assert (response.status_code, response["Location"]) == (303, f"/vaults/{vault}/certificates/shop/")
    assert browser.get(response["Location"]).context_data["version"] is not None


def test_a_reader_recovers_nothing(client_of: SignIn) -> None:
    vault = make_vault()
    delete(vault, "shop")

    response = client_of(make_member(vault, Role.READER)).post(f"/vaults/{vault}/deleted/shop/recover/")

    assert response.status_code == 403
    assert Certificate.objects.get(name="shop").deleted_at


def test_an_officer_cannot_purge(client_of: SignIn) -> None:
    vault = make_vault()
    delete(vault, "shop")
    browser = client_of(make_member(vault))

    response = browser.post(f"/vaults/{vault}/deleted/shop/purge/", {"confirm": "shop"})

    assert response.status_code == 403
    assert "Purge…" not in browser.get(f"/vaults/{vault}/deleted/").text
    assert Certificate.objects.filter(name="shop").exists()


def test_purging_needs_the_typed_name_and_then_removes_certificate_and_keys(client_of: SignIn) -> None:
    vault = make_vault()
    delete(vault, "shop")
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))
    address = f"/vaults/{vault}/deleted/shop/purge/"

    wrong = [browser.post(address, {"confirm": text}) for text in ("", "shops", "\x00", "<script>alert(1)</script>")]
    assert [answer.status_code for answer in wrong] == [422] * 4
    assert Certificate.objects.filter(name="shop").exists()
    right = browser.post(address, {"confirm": "shop"})

    assert right["Location"] == f"/vaults/{vault}/deleted/"
    assert not Certificate.objects.filter(name="shop").exists()
    assert not Key.objects.filter(vault=vault).exists()
    assert AuditEvent.objects.filter(action="certificates/purge").exists()


def test_a_look_at_the_purge_page_removes_nothing(client_of: SignIn) -> None:
    vault = make_vault()
    delete(vault, "shop")

    response = client_of(make_member(vault, Role.ADMINISTRATOR)).get(f"/vaults/{vault}/deleted/shop/purge/")

    assert "cannot be undone" in response.text
    assert Certificate.objects.filter(name="shop").exists()


def test_purge_protection_is_explained_and_holds(client_of: SignIn) -> None:
    vault = make_vault(purge_protection=True)
    delete(vault, "shop")
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    listed = browser.get(f"/vaults/{vault}/deleted/")
    response = browser.post(f"/vaults/{vault}/deleted/shop/purge/", {"confirm": "shop"})

    assert "protected from purging" in listed.text
    assert "Purge…" not in listed.text
    assert response.status_code == 403
    assert Certificate.objects.filter(name="shop").exists()


def test_a_live_certificate_cannot_be_purged(client_of: SignIn) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop")

    response = client_of(make_member(vault, Role.ADMINISTRATOR)).post(
        f"/vaults/{vault}/deleted/shop/purge/", {"confirm": "shop"}
    )

    assert response.status_code == 404
