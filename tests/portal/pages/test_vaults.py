"""Vaults: the list, a new one, settings, deleted ones."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Membership, Role, User
from portal.pages import vaults as pages
from tests.factories import make_certificate, make_member, make_policy, make_user, make_vault
from vault.lifecycle import vaults
from vault.models import AuditEvent, Certificate, Vault
from vault.models.audit import SYSTEM

ClientOf = Callable[[User], Client]
INDEX, NEW, DELETED = reverse("vaults:index"), reverse("vaults:new"), reverse("vaults:deleted")


@pytest.fixture
def root() -> User:
    return make_user("root", staff=True)


def fill(vault: Vault, count: int, *, days: int = 300, owner: User | None = None) -> None:
    """Put `count` certificates into `vault`, as rows only."""
    expires = timezone.now() + timedelta(days=days)
    Certificate.objects.bulk_create(
        Certificate(
            vault=vault, name=f"c{days}-{n}", policy=make_policy(), issuer_name="Self", expires_at=expires, owner=owner
        )
        for n in range(count)
    )


# --------------------------------------------------------------------- the list
def test_the_list_shows_my_vaults_with_role_and_counts(client_of: ClientOf) -> None:
    payments = make_vault("payments")
    make_vault("not-mine")
    fill(payments, 3)
    fill(payments, 2, days=10)

    page = client_of(make_member(payments, Role.OFFICER)).get(INDEX)

    (row,) = page.context["rows"]
    assert (row.vault, row.roles, row.certificates, row.expiring) == (payments, "Officer", "5", "2")
    assert "not-mine" not in page.content.decode()


def test_a_requester_counts_their_own_and_an_auditor_nothing(client_of: ClientOf) -> None:
    vault = make_vault()
    requester, auditor = make_member(vault, Role.REQUESTER), make_member(vault, Role.AUDITOR)
    fill(vault, 3)
    fill(vault, 1, days=10, owner=requester)

    (own,) = client_of(requester).get(INDEX).context["rows"]
    (none,) = client_of(auditor).get(INDEX).context["rows"]

    assert (own.certificates, own.expiring) == ("1", "1")
    assert (none.certificates, none.expiring, none.view) == ("", "", "members:index")


def test_counting_stops_at_its_limit(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)
    vault = make_vault()
    fill(vault, 5)

    (row,) = client_of(make_member(vault)).get(INDEX).context["rows"]

    assert row.certificates == "3+"


def test_roles_of_groups_count_too(client_of: ClientOf) -> None:
    vault, group = make_vault(), Group.objects.create(name="Operators")
    person = make_member(vault, Role.AUDITOR)
    person.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.OFFICER)

    (row,) = client_of(person).get(INDEX).context["rows"]

    assert row.roles == "Officer, Auditor"


def test_the_list_costs_the_same_however_many_vaults_there_are(
    client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person = make_user()
    made = Vault.objects.bulk_create(Vault(name=f"vault-{number:03}") for number in range(120))
    Membership.objects.bulk_create(Membership(vault=vault, user=person, role=Role.OFFICER) for vault in made)
    browser = client_of(person)
    browser.get(INDEX)

    with django_assert_max_num_queries(4):
        page = browser.get(INDEX)
    second = browser.get(INDEX + page.context["page"].next_url)

    assert len(page.context["rows"]) == 50
    assert second.context["rows"][0].vault.name == "vault-050"


def test_without_a_vault_the_page_says_what_to_do(client_of: ClientOf, root: User) -> None:
    ada = make_user("ada")

    assert "Tell them your user name: ada" in client_of(ada).get(INDEX).content.decode()
    assert "New vault" in client_of(root).get(INDEX).content.decode()


# ------------------------------------------------------------------------- new
def test_a_portal_administrator_makes_a_vault_and_administers_it_by_default(client_of: ClientOf, root: User) -> None:
    browser = client_of(root)
    form = browser.get(NEW).context["form"]

    answer = browser.post(
        NEW, {"name": "payments", "administrator": form["administrator"].value(), "retention_days": "30"}
    )

    vault = Vault.objects.get()
    assert answer["Location"] == reverse("certificates:index", args=["payments"])
    assert (vault.retention_days, vault.purge_protection) == (30, False)
    assert Membership.objects.get(vault=vault, user=root).role == Role.ADMINISTRATOR
    actions = AuditEvent.objects.filter(chain=vault.pk).order_by("sequence").values_list("action", "actor")
    assert list(actions) == [("vaults/create", "root"), ("access/grant", "root")]


def test_someone_else_can_be_the_first_administrator(client_of: ClientOf, root: User) -> None:
    ada = make_user("ada", email="ada@example.org")

    sent = {"name": "payments", "administrator": "ADA@example.org", "retention_days": "90", "purge_protection": "on"}
    answer = client_of(root).post(NEW, sent)

    assert answer["Location"] == INDEX
    assert Membership.objects.get().user == ada
    assert Vault.objects.get().purge_protection


def test_only_portal_administrators_make_vaults(client_of: ClientOf) -> None:
    browser = client_of(make_member(make_vault(), Role.ADMINISTRATOR))

    assert browser.get(NEW).status_code == 403
    assert browser.post(NEW, {"name": "payments", "administrator": "x", "retention_days": "90"}).status_code == 403


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": "ab"}, "name", "3 to 24 letters"),
        ({"name": "1abc"}, "name", "3 to 24 letters"),
        ({"name": "x" * 25}, "name", "3 to 24 letters"),
        ({"name": "management"}, "name", "reserved"),
        ({"name": "TAKEN"}, "name", "vault named “taken” already"),
        ({"name": "Gone"}, "name", "deleted vault “gone” holds this name until"),
        ({"name": ""}, "name", "Choose a name"),
        ({"name": "a\x00bc"}, "name", "cannot be seen"),
        ({"name": "<script>alert(1)</script>"}, "name", "3 to 24 letters"),
        ({"name": "\u202eabc"}, "name", "cannot be seen"),
        ({"name": "x" * 100_000}, "name", "too long"),
        ({"administrator": "nobody"}, "administrator", "nobody with the user name"),
        ({"administrator": ""}, "administrator", "Say who"),
        ({"retention_days": "6"}, "retention_days", "7 to 90"),
        ({"retention_days": "91"}, "retention_days", "7 to 90"),
        ({"retention_days": "9" * 5000}, "retention_days", "7 to 90"),
        ({"retention_days": "ten"}, "retention_days", "7 to 90"),
    ],
)
def test_a_bad_vault_comes_back_whole_with_the_reason(
    client_of: ClientOf, root: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    make_vault("taken")
    vaults.delete_vault(vault=make_vault("gone"), by=SYSTEM)

    answer = client_of(root).post(NEW, {"name": "payments", "administrator": "root", "retention_days": "30", **changes})

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert "<script>alert" not in answer.content.decode()
    assert Vault.objects.count() == 2


def test_a_name_is_judged_while_the_form_is_filled_in(client_of: ClientOf, root: User) -> None:
    make_vault("payments")
    headers = {"HX-Request": "true", "HX-Target": "id_name_slot"}

    taken = client_of(root).post(NEW, {"name": "Payments"}, headers=headers)
    free = client_of(root).post(NEW, {"name": "payroll"}, headers=headers)

    assert "already" in taken.content.decode()
    assert free.content == b""


# -------------------------------------------------------------------- settings
def test_only_administrators_of_the_vault_open_its_settings(client_of: ClientOf, root: User) -> None:
    vault = make_vault("payments")
    url = reverse("vaults:settings", args=["payments"])

    by_role = {role: client_of(make_member(vault, role)).get(url).status_code for role in Role.values}

    assert by_role == {"reader": 403, "requester": 403, "officer": 403, "administrator": 200, "auditor": 403}
    assert client_of(make_user()).get(url).status_code == 404
    assert client_of(root).get(url).status_code == 404


def test_protecting_takes_the_vaults_name_and_cannot_be_undone(client_of: ClientOf) -> None:
    vault = make_vault("payments")
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))
    url = reverse("vaults:protect", args=["payments"])

    refused = browser.post(url, {"confirm": "Payments"})
    unchanged = Vault.objects.get().purge_protection
    browser.post(url, {"confirm": "payments"})
    page = browser.get(reverse("vaults:settings", args=["payments"])).content.decode()

    assert refused.status_code == 422
    assert "Type “payments” exactly" in refused.content.decode()
    assert not unchanged
    assert Vault.objects.get().purge_protection
    assert "cannot be switched off" in page
    assert "Protect this vault" not in page


def test_deleting_takes_the_vaults_name_and_hides_it(client_of: ClientOf) -> None:
    vault = make_vault("payments")
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))
    url = reverse("vaults:delete", args=["payments"])

    refused = browser.post(url, {"confirm": ""})
    answer = browser.post(url, {"confirm": "payments"}, follow=True)

    assert refused.status_code == 422
    assert answer.redirect_chain == [(DELETED, 303)]
    assert "payments" in answer.content.decode()
    assert browser.get(reverse("certificates:index", args=["payments"])).status_code == 404


@pytest.mark.parametrize("role", [Role.READER, Role.REQUESTER, Role.OFFICER, Role.AUDITOR])
def test_no_other_role_deletes_or_protects(client_of: ClientOf, role: Role) -> None:
    browser = client_of(make_member(make_vault("payments"), role))

    for view in ("delete", "protect"):
        answer = browser.post(reverse(f"vaults:{view}", args=["payments"]), {"confirm": "payments"})
        assert answer.status_code == 403
    assert Vault.objects.live().filter(purge_protection=False).exists()


# --------------------------------------------------------------------- deleted
def deleted_vault(name: str = "payments", **facts: object) -> Vault:
    vault = make_vault(name, **facts)
    vaults.delete_vault(vault=vault, by=SYSTEM)
    return vault


def test_administrators_of_a_deleted_vault_bring_it_back(client_of: ClientOf) -> None:
    vault = deleted_vault()
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    page = browser.get(DELETED).content.decode()
    answer = browser.post(reverse("vaults:recover", args=["payments"]))

    assert "payments" in page
    assert answer["Location"] == reverse("vaults:settings", args=["payments"])
    assert Vault.objects.live().filter(name="payments").exists()


def test_others_do_not_see_deleted_vaults(client_of: ClientOf) -> None:
    vault = deleted_vault()

    for person in (make_member(vault, Role.OFFICER), make_user()):
        browser = client_of(person)
        assert "payments" not in browser.get(DELETED).content.decode()
        assert browser.post(reverse("vaults:recover", args=["payments"])).status_code == 404
        assert browser.post(reverse("vaults:purge", args=["payments"]), {"confirm": "payments"}).status_code == 404


def test_a_portal_administrator_recovers_what_they_are_no_member_of(client_of: ClientOf, root: User) -> None:
    deleted_vault()

    answer = client_of(root).post(reverse("vaults:recover", args=["payments"]))

    assert answer["Location"] == INDEX


def test_purging_takes_the_vaults_name_and_leaves_the_trail(client_of: ClientOf) -> None:
    vault = make_vault("payments")
    make_certificate(vault=vault)
    vaults.delete_vault(vault=vault, by=SYSTEM)
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))
    url = reverse("vaults:purge", args=["payments"])

    refused = browser.post(url, {"confirm": "no"})
    answer = browser.post(url, {"confirm": "payments"})

    assert refused.status_code == 422
    assert answer["Location"] == DELETED
    assert not Vault.objects.exists()
    assert AuditEvent.objects.filter(chain=vault.pk, action="vaults/purge").exists()


def test_a_protected_vault_is_not_purged_and_the_page_says_why(client_of: ClientOf) -> None:
    vault = deleted_vault(purge_protection=True)
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    answer = browser.post(reverse("vaults:purge", args=["payments"]), {"confirm": "payments"})

    assert answer.status_code == 422
    assert "is protected from purging" in answer.content.decode()
    assert Vault.objects.exists()


def test_recovering_twice_says_so(client_of: ClientOf) -> None:
    vault = deleted_vault()
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))
    browser.post(reverse("vaults:recover", args=["payments"]))

    assert browser.post(reverse("vaults:recover", args=["payments"])).status_code == 404


@pytest.mark.parametrize("name", ["settings", "protect", "delete"])
def test_pages_of_a_vault_that_does_not_exist_are_not_found(client_of: ClientOf, root: User, name: str) -> None:
    browser = client_of(root)

    method = browser.get if name == "settings" else browser.post
    assert method(reverse(f"vaults:{name}", args=["nowhere"])).status_code == 404
