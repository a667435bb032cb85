"""The first page: what needs me, what runs, what expires."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Membership, Role, User
from portal.pages import home
from tests.factories import make_member, make_operation, make_policy, make_user, make_vault
from vault.lifecycle import retiring
from vault.models import Certificate, Operation, Vault
from vault.models.audit import SYSTEM

ClientOf = Callable[[User], Client]
HOME = reverse("home")


def expiring(vault: Vault, name: str, *, days: float, owner: User | None = None) -> Certificate:
    return Certificate.objects.create(
        vault=vault,
        name=name,
        policy=make_policy(),
        issuer_name="Self",
        owner=owner,
        expires_at=timezone.now() + timedelta(days=days),
    )


def names(client: Client, part: str) -> list[str]:
    rows = client.get(HOME).context[part].rows
    return [getattr(row, "certificate", row).name for row in rows]


def test_who_is_not_signed_in_is_sent_to_the_sign_in(client: Client) -> None:
    assert client.get(HOME)["Location"] == f"{reverse('accounts:sign-in')}?next=/"


def test_what_waits_for_a_merge_needs_those_who_may_do_it(client_of: ClientOf) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    make_operation(vault=vault, name="mine", by=requester)
    make_operation(vault=vault, name="theirs")
    make_operation(vault=make_vault(), name="elsewhere")

    assert names(client_of(make_member(vault, Role.OFFICER)), "waiting") == ["theirs", "mine"]
    assert names(client_of(requester), "waiting") == ["mine"]
    assert names(client_of(make_member(vault, Role.READER)), "waiting") == []
    assert names(client_of(make_member(vault, Role.AUDITOR)), "waiting") == []
    assert names(client_of(make_user()), "waiting") == []


def test_what_runs_is_shown_to_those_who_may_see_it(client_of: ClientOf) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    make_operation(vault=vault, name="running", issuer="Self")
    make_operation(vault=vault, name="mine", issuer="Self", by=requester)
    make_operation(vault=vault, name="merging")

    assert names(client_of(make_member(vault, Role.READER)), "running") == ["mine", "running"]
    assert names(client_of(requester), "running") == ["mine"]
    assert names(client_of(make_member(vault, Role.AUDITOR)), "running") == []


def test_what_expires_within_thirty_days_is_shown_soonest_first(client_of: ClientOf) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    expiring(vault, "later", days=29)
    expiring(vault, "soon", days=2, owner=requester)
    expiring(vault, "over", days=-1)
    expiring(vault, "far", days=31)
    expiring(make_vault(), "elsewhere", days=2)
    gone = expiring(vault, "deleted", days=3)
    retiring.delete_certificate(certificate=gone, by=SYSTEM)

    assert names(client_of(make_member(vault, Role.READER)), "expiring") == ["soon", "later"]
    assert names(client_of(requester), "expiring") == ["soon"]


def test_the_counts_lead_to_their_lists(client_of: ClientOf) -> None:
    vault = make_vault()
    for number in range(7):
        expiring(vault, f"c{number}", days=number + 1)
    browser = client_of(make_member(vault))

    page = browser.get(HOME).content.decode()
    listed = browser.get(HOME, {"show": "expiring"})

    assert 'href="?show=expiring"' in page
    assert "Show all 7" in page
    assert [row.name for row in listed.context["page"]] == [f"c{number}" for number in range(7)]


@pytest.mark.parametrize("show", ["waiting", "running", "expiring"])
def test_each_list_goes_on_to_a_next_page(client_of: ClientOf, show: str) -> None:
    vault = make_vault()
    made = Certificate.objects.bulk_create(
        Certificate(
            vault=vault,
            name=f"c{number}",
            policy=make_policy(),
            issuer_name="Self",
            expires_at=timezone.now() + timedelta(days=5),
        )
        for number in range(60)
    )
    step = Operation.Step.AWAITING_MERGE if show == "waiting" else Operation.Step.ORDERED
    Operation.objects.bulk_create(
        Operation(vault=vault, certificate=one, policy=make_policy(), issuer_name="Unknown", csr=b"", step=step)
        for one in made
    )
    browser = client_of(make_member(vault))

    first = browser.get(HOME, {"show": show})
    second = browser.get(HOME + first.context["page"].next_url)

    shown = {row.pk for page in (first, second) for row in page.context["page"]}
    assert (len(first.context["page"]), len(second.context["page"])) == (50, 10)
    assert len(shown) == 60


def test_home_costs_six_queries_at_most_and_counts_only_as_far_as_it_shows(
    client_of: ClientOf,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    settings.RUNNING_PER_PERSON = 100
    monkeypatch.setattr(home, "_MOST_COUNTED", 20)
    person = make_user()
    for role in (Role.OFFICER, Role.REQUESTER, Role.READER):
        vault = make_vault()
        make_member(vault, role, person)
        for number in range(12):
            expiring(vault, f"c{number}", days=5, owner=person)
            make_operation(vault=vault, name=f"w{number}", by=person)
    browser = client_of(person)
    browser.get(HOME)

    with django_assert_max_num_queries(6):
        page = browser.get(HOME)

    assert page.context["expiring"].count == "20+"
    assert page.context["waiting"].count == "20+"
    assert len(page.context["waiting"].rows) == 5


def test_one_vault_is_asked_directly_and_several_are_chosen_from(client_of: ClientOf) -> None:
    person = make_member(make_vault("payments"), Role.REQUESTER)
    browser = client_of(person)
    make_member(make_vault("read-only"), Role.READER, person)

    one = browser.get(HOME).content.decode()
    make_member(make_vault("web"), Role.OFFICER, person)
    several = browser.get(HOME).content.decode()

    assert reverse("requests:new", args=["payments"]) in one
    assert reverse("requests:new", args=["read-only"]) not in several
    assert all(reverse("requests:new", args=[name]) in several for name in ("payments", "web"))


def test_who_is_in_many_vaults_chooses_from_the_list_of_vaults(client_of: ClientOf) -> None:
    person = make_user()
    made = Vault.objects.bulk_create(Vault(name=f"vault-{number}") for number in range(13))
    Membership.objects.bulk_create(Membership(vault=vault, user=person, role=Role.OFFICER) for vault in made)

    page = client_of(person).get(HOME).content.decode()

    assert "/request/" not in page
    assert "Request a certificate" in page


def test_without_a_vault_the_page_says_what_to_ask_for_or_to_make(client_of: ClientOf) -> None:
    ada = client_of(make_user("ada")).get(HOME).content.decode()
    root = client_of(make_user(staff=True)).get(HOME).content.decode()

    assert "tell them your user name: ada" in ada
    assert "Make a vault" in root


@pytest.mark.parametrize(
    "query", ["show=", "show=everything", "show=expiring&after=x", "show=waiting&after=W10", "show=%00"]
)
def test_no_address_breaks_the_page(client_of: ClientOf, query: str) -> None:
    assert client_of(make_member(make_vault())).get(f"{HOME}?{query}").status_code == 200


def test_a_line_tells_whether_what_expires_renews(client_of: ClientOf) -> None:
    vault = make_vault()
    browser = client_of(make_member(vault, Role.READER))
    expiring(vault, "fine", days=5)
    assert "Nothing that expires in 30 days is blocked or needs a person." in browser.get(HOME).content.decode()

    for number, readiness in enumerate(("blocked", "person", "person")):
        certificate = expiring(vault, f"c{number}", days=5)
        Certificate.objects.filter(pk=certificate.pk).update(readiness=readiness)

    page = browser.get(HOME).content.decode()
    assert "<strong>1</strong> is blocked" in page
    assert "<strong>2</strong> need a person" in page
    assert f'href="{reverse("search:index")}?state=expiring&amp;readiness=person"' in page
    assert f'href="{reverse("expiry:index")}"' in page
