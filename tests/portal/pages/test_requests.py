import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import (
    actor_of,
    make_certificate,
    make_member,
    make_operation,
    make_policy,
    make_user,
    make_vault,
)
from tests.portal.browsing import Answers, answers_on, changed
from tests.vault.lifecycle.cas import make_issuer
from vault.lifecycle import retiring, withdrawing
from vault.models import Certificate, Issuer, Operation, Vault
from vault.models.policy import SELF, UNKNOWN, AlternativeNames, Validity
from vault.x509.requests import describe_csr

ClientOf = Callable[[User], Client]


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


def url(page: str = "") -> str:
    return f"/vaults/payments/request/{page}"


def form_answers(client: Client, query: str = "", **changes: Any) -> Answers:
    """Open the form, fill in what is given, leave the rest as it stands."""
    return changed(answers_on(client.get(url() + query)), **changes)


def check(client: Client, query: str = "", **changes: Any) -> HttpResponse:
    return client.post(url("check/"), form_answers(client, query, **changes))


def submit(client: Client, query: str = "", **changes: Any) -> HttpResponse:
    return client.post(url("submit/"), answers_on(check(client, query, **changes)))


def words_of(page: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode().partition("<main")[2]).split())


# ------------------------------------------------------------------ who may
@pytest.mark.parametrize("page", ["", "check/", "submit/", "field/"])
def test_a_stranger_finds_nothing(vault: Vault, client_of: ClientOf, page: str) -> None:
    client = client_of(make_user())

    answer = client.get(url()) if not page else client.post(url(page), {"names": "www.example.org"})

    assert answer.status_code == 404


@pytest.mark.parametrize("page", ["", "check/", "submit/", "field/"])
@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR])
def test_who_may_only_look_is_told_who_can_help(vault: Vault, client_of: ClientOf, page: str, role: Role) -> None:
    make_member(vault, Role.ADMINISTRATOR, make_user("grace"))
    client = client_of(make_member(vault, role))

    answer = client.get(url()) if not page else client.post(url(page), {"names": "www.example.org"})

    assert answer.status_code == 403
    assert "cannot ask for certificates" in words_of(answer)
    assert "grace" in words_of(answer)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.OFFICER, Role.ADMINISTRATOR])
def test_one_name_typed_and_sent_makes_a_request(vault: Vault, client_of: ClientOf, role: Role) -> None:
    person = make_member(vault, role)

    answer = submit(client_of(person), names="www.example.org")

    operation = Operation.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/vaults/payments/operations/{operation.request_id.hex}/"
    assert (operation.certificate.name, operation.certificate.owner) == ("www-example-org", person)
    assert (operation.issuer_name, operation.requested_by) == (SELF, person)
    assert describe_csr(bytes(operation.csr)).subject == "CN=www.example.org"


def test_whoever_is_not_signed_in_is_sent_to_sign_in(vault: Vault) -> None:
    answer = Client().get(url())

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("page", ["check/", "submit/"])
def test_the_address_of_an_answer_leads_back_to_the_form(vault: Vault, client_of: ClientOf, page: str) -> None:
    answer = client_of(make_member(vault)).get(url(page))

    assert (answer.status_code, answer["Location"]) == (302, url())


# ---------------------------------------------------------- check the answers
def test_the_answers_show_exactly_what_will_be_signed(vault: Vault, client_of: ClientOf) -> None:
    names = "https://münchen.example/path, www.example.org\nWWW.EXAMPLE.ORG alice@example.org"

    page = check(client_of(make_member(vault)), names=names, tags="team=payments", issuer=UNKNOWN)

    words = words_of(page)
    assert page.status_code == 200
    assert "CN=xn--mnchen-3ya.example" in words
    assert "DNS: xn--mnchen-3ya.example DNS: www.example.org E-mail: alice@example.org" in words
    assert "münchen.example is written xn--mnchen-3ya.example" in words
    assert "1 name was given more than once" in words
    assert "team = payments" in words
    assert "waits for the signed certificate" in words
    assert "People are told when 80 % of its lifetime has passed" in words
    assert not Operation.objects.exists()


def test_the_answers_are_what_is_signed(vault: Vault, client_of: ClientOf) -> None:
    submit(
        client_of(make_member(vault)),
        names="b.example 192.0.2.1",
        subject="CN=b.example, O=Example",
        key="RSA 2048",
        purpose="both",
        validity_number=90,
        validity_unit="days",
        tags="team=payments\nstage=test",
        exportable=None,
    )

    operation = Operation.objects.get()
    facts = describe_csr(bytes(operation.csr))
    assert (facts.subject, facts.key_title) == ("CN=b.example, O=Example", "RSA 2048")
    assert facts.names == (("dns", "b.example"), ("ip", "192.0.2.1"))
    assert operation.policy.key.exportable is False
    assert str(operation.policy.validity) == "90 days"
    assert operation.certificate.tags == {"team": "payments", "stage": "test"}


def test_a_name_too_long_for_a_common_name_is_said(vault: Vault, client_of: ClientOf) -> None:
    long = "a" * 60 + ".example"

    words = words_of(check(client_of(make_member(vault)), names=long))

    assert f"“{long}” is too long for a common name" in words
    assert "The subject stays empty." in words


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"names": "alice@example.org"}, "no host name or IP address"),
        ({"names": "www.example.org", "purpose": "email"}, "no e-mail address"),
        ({"names": "www.example.org", "key": "EC P-256K"}, "P-256K"),
        ({"names": "www.example.org", "key_usage": ["cRLSign"]}, "they count only with the purpose “Other”"),
    ],
)
def test_what_is_likely_a_slip_is_said(vault: Vault, client_of: ClientOf, changes: dict[str, Any], note: str) -> None:
    page = check(client_of(make_member(vault)), **changes)

    assert page.status_code == 200
    assert note in words_of(page)


def test_change_brings_the_form_back_with_every_answer(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    sent = form_answers(
        client,
        names="b.example\r\na.example",
        tags="a=1\r\nb=2",
        key="RSA 4096",
        reuse="on",
        subject="CN=x",
        name="mine",
    )
    answers = answers_on(client.post(url("check/"), sent))

    page = client.post(url("check/"), answers | {"change": ["names"]})

    again = answers_on(page)
    assert page.status_code == 200
    assert {**again, "submission": [""]} == {**sent, "submission": [""]}


def test_each_page_of_answers_has_a_submission_of_its_own(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))

    first, second = (answers_on(check(client, names="www.example.org"))["submission"] for _ in range(2))

    assert first != second


def test_html_in_answers_stays_text(vault: Vault, client_of: ClientOf) -> None:
    page = check(client_of(make_member(vault)), names="www.example.org", tags='<script>=">', subject="CN=<b>")

    html = page.content.decode()
    assert page.status_code == 200
    assert "<script>=" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


# ------------------------------------------------------------------- refusals
def test_a_refused_form_comes_back_whole(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    sent = form_answers(
        client, names="foo_bar.example\r\nok.example", name="a b", tags="x", validity_number="0", key="RSA 3072"
    )

    page = client.post(url("check/"), sent)

    html = page.content.decode()
    assert page.status_code == 422
    assert answers_on(page) == sent
    assert "<title>Error: " in html
    assert 'href="#id_names"' in html
    assert words_of(page).count("“foo_bar.example” holds an underscore") == 2


BAD: list[dict[str, Any]] = [
    {"names": ""},
    {"names": "\0"},
    {"names": "\u202emoc.elpmaxe"},
    {"names": "<script>alert(1)</script>"},
    {"names": "x" * 1_000_000},
    {"names": "-----BEGIN PRIVATE KEY-----"},
    {"names": [f"n{number}.example" for number in range(3)]},
    {"subject": "\0"},
    {"subject": "x" * 100_000},
    {"name": "\0"},
    {"name": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
    {"tags": "x" * 100_000},
    {"tags": "\n".join("ab") * 20_000},
    {"ekus": "\0", "purpose": "other"},
    {"validity_number": "9" * 5000},
    {"validity_number": "1e3"},
    {"validity_unit": "\0"},
    {"key": "\0"},
    {"issuer": "<b>"},
    {"renewal": "x"},
    {"purpose": None},
    {"key": None},
]


@pytest.mark.parametrize("page", ["check/", "submit/"])
@pytest.mark.parametrize("changes", BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_in_words(vault: Vault, client_of: ClientOf, page: str, changes: dict[str, Any]) -> None:
    client = client_of(make_member(vault))
    answers = form_answers(client, **{"names": "www.example.org", **changes}) | {"submission": [str(uuid.uuid4())]}

    answer = client.post(url(page), answers)

    assert answer.status_code == 422
    assert "Something needs another look" in words_of(answer)
    assert not Operation.objects.exists()


def test_nothing_at_all_is_refused_in_words(vault: Vault, client_of: ClientOf) -> None:
    answer = client_of(make_member(vault)).post(url("submit/"))

    assert answer.status_code == 422
    assert "Choose an issuer." in words_of(answer)


def test_ten_thousand_names_are_refused_in_one_sentence(vault: Vault, client_of: ClientOf) -> None:
    names = "\n".join(f"host{number}.example.org" for number in range(10_000))

    page = check(client_of(make_member(vault)), names=names)

    assert page.status_code == 422
    assert "10000 names were given; a certificate here takes 500." in words_of(page)
    assert "host9999.example.org" in page.content.decode()


def test_more_fields_than_a_form_has_are_refused(vault: Vault, client_of: ClientOf) -> None:
    answer = client_of(make_member(vault)).post(url("check/"), {f"field{number}": "x" for number in range(300)})

    assert answer.status_code == 400


# ----------------------------------------------------------------- once, twice
def test_a_double_click_makes_one_operation(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answers = answers_on(check(client, names="www.example.org"))

    first, second = (client.post(url("submit/"), answers) for _ in range(2))

    assert Operation.objects.count() == 1
    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"]


def test_sending_again_what_was_sent_before_needs_no_room(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    client = client_of(person)
    for _ in range(settings.RUNNING_PER_PERSON - 1):
        make_operation(vault=vault, by=person)
    answers = answers_on(check(client, names="www.example.org", issuer=UNKNOWN))
    client.post(url("submit/"), answers)

    again = client.post(url("submit/"), answers)

    assert again.status_code == 303


def test_the_submission_of_someone_else_opens_nothing(vault: Vault, client_of: ClientOf) -> None:
    answers = answers_on(check(client_of(make_member(vault)), names="www.example.org"))
    client_of(make_member(vault, Role.REQUESTER)).post(url("submit/"), answers)
    mine = client_of(make_member(vault, Role.REQUESTER))

    answer = mine.post(url("submit/"), {**answers, "name": ["another"]})

    assert answer.status_code == 409
    assert Operation.objects.count() == 1


def test_a_request_that_was_deleted_since_is_not_made_again_by_itself(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    client = client_of(person)
    answers = answers_on(check(client, names="www.example.org", issuer=UNKNOWN))
    client.post(url("submit/"), answers)
    withdrawing.delete_operation(operation=Operation.objects.get(), by=actor_of(person))

    answer = client.post(url("submit/"), answers)

    assert answer.status_code == 422
    assert "deleted since" in words_of(answer)
    assert Operation.objects.count() == 1


# ---------------------------------------------------------- names that are held
def test_an_existing_certificate_gets_a_new_version_and_the_page_says_so(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    make_certificate(vault=vault, name="www-example-org", by=person)

    page = check(client_of(person), names="www.example.org")

    assert page.status_code == 200
    assert "“www-example-org” exists in “payments”: this makes a new version of it" in words_of(page)


@pytest.mark.parametrize("state", ["live", "running", "deleted"])
def test_a_requester_learns_of_the_certificates_of_others_only_that_the_name_is_taken(
    vault: Vault, client_of: ClientOf, state: str
) -> None:
    owner = make_member(vault, Role.REQUESTER, make_user("olga"))
    certificate = make_certificate(vault=vault, name="shop", by=owner)
    if state == "running":
        make_operation(vault=vault, name="shop", by=owner)
    if state == "deleted":
        retiring.delete_certificate(certificate=certificate, by=actor_of(owner))
    client = client_of(make_member(vault, Role.REQUESTER))
    before = Operation.objects.count()

    checked = check(client, names="www.example.org", name="SHOP")
    sent = client.post(url("submit/"), form_answers(client, names="www.example.org", name="SHOP"))

    assert (checked.status_code, sent.status_code) == (409, 409)
    assert "The name “SHOP” is taken in “payments”. Choose another." in words_of(checked)
    assert "olga" not in words_of(checked)
    assert Operation.objects.count() == before


def test_who_sees_a_certificate_and_owns_it_not_cannot_make_its_next_version(vault: Vault, client_of: ClientOf) -> None:
    make_certificate(vault=vault, name="shop", by=make_member(vault))
    person = make_member(vault, Role.REQUESTER)
    group_reader(vault, person)

    page = check(client_of(person), names="www.example.org", name="shop")

    assert page.status_code == 409
    assert "“shop” belongs to someone else" in words_of(page)


def group_reader(vault: Vault, person: User) -> None:
    from django.contrib.auth.models import Group

    from portal.models import Membership

    group = Group.objects.create(name="readers")
    person.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.READER)


def test_a_name_held_by_a_deleted_certificate_leads_to_where_it_can_be_recovered(
    vault: Vault, client_of: ClientOf
) -> None:
    person = make_member(vault)
    certificate = make_certificate(vault=vault, name="shop", by=person)
    retiring.delete_certificate(certificate=certificate, by=actor_of(person))

    page = check(client_of(person), names="www.example.org", name="shop")

    assert page.status_code == 409
    assert "A deleted certificate holds the name “shop”" in words_of(page)
    assert 'href="/vaults/payments/deleted/"' in page.content.decode()


@pytest.mark.parametrize("page", ["check/", "submit/"])
def test_a_certificate_that_is_being_issued_leads_to_that_request(vault: Vault, client_of: ClientOf, page: str) -> None:
    person = make_member(vault)
    operation = make_operation(vault=vault, name="shop", by=person)
    client = client_of(person)

    answer = client.post(url(page), form_answers(client, names="www.example.org", name="shop"))

    assert answer.status_code == 409
    assert "being issued" in words_of(answer)
    assert f"/operations/{operation.request_id.hex}/" in answer.content.decode()
    assert Operation.objects.count() == 1


def test_too_many_requests_at_once_are_refused_with_everything_typed(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    for _ in range(settings.RUNNING_PER_PERSON):
        make_operation(vault=vault, by=person)
    client = client_of(person)
    sent = form_answers(client, names="www.example.org")

    answer = client.post(url("submit/"), sent)

    assert answer.status_code == 429
    assert "requests in progress" in words_of(answer)
    assert answers_on(answer)["names"] == ["www.example.org"]


# ------------------------------------------------- again, and the next version
def test_the_next_version_begins_with_the_policy_and_keeps_the_name(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    names = AlternativeNames(dns=("shop.example",), uris=("https://shop.example/a,b",))
    certificate = make_certificate(vault=vault, name="shop", by=person, names=names)

    answer = submit(client_of(person), "?certificate=SHOP")

    operation = Operation.objects.latest("pk")
    assert answer.status_code == 303
    assert (operation.certificate, operation.policy) == (certificate, certificate.policy)


def test_the_form_of_a_next_version_has_no_other_name(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    make_certificate(vault=vault, name="shop", by=person)
    client = client_of(person)

    page = client.get(url() + "?certificate=shop")
    checked = check(client, "?certificate=shop", name="other")

    assert "New version of shop" in words_of(page)
    assert "“shop” exists" in words_of(checked)


def test_asking_again_begins_with_the_answers_of_then(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault, Role.REQUESTER)
    operation = make_operation(vault=vault, name="shop", by=person, names=AlternativeNames(dns=("shop.example",)))
    withdrawing.cancel(operation=operation, by=actor_of(person))

    page = client_of(person).get(url() + f"?again={operation.request_id.hex}")

    answers = answers_on(page)
    assert answers["names"] == ["shop.example"]
    assert answers["name"] == ["shop"]
    assert answers["issuer"] == [UNKNOWN]


@pytest.mark.parametrize(
    "query",
    [
        "?certificate=shop",
        "?certificate=nothing",
        "?again=OPERATION",
        "?again=x",
        "?again=%00",
        "?certificate=%00",
        "?certificate=a/b",
    ],
)
def test_what_a_person_cannot_see_does_not_fill_the_form(vault: Vault, client_of: ClientOf, query: str) -> None:
    operation = make_operation(vault=vault, name="shop", by=make_member(vault))

    page = client_of(make_member(vault, Role.REQUESTER)).get(
        url() + query.replace("OPERATION", operation.request_id.hex)
    )

    assert page.status_code == 404


def test_answers_survive_the_deletion_of_the_certificate_they_began_with(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)
    certificate = make_certificate(vault=vault, name="shop", by=person)
    client = client_of(person)
    answers = form_answers(client, "?certificate=shop", names="typed.example")
    retiring.delete_certificate(certificate=certificate, by=actor_of(person))

    page = client.post(url("check/"), answers)

    assert page.status_code == 409
    assert answers_on(page)["names"] == ["typed.example"]


def test_a_name_can_be_used_again_in_another_vault(vault: Vault, client_of: ClientOf) -> None:
    make_certificate(vault=make_vault("other"), name="shop")

    answer = submit(client_of(make_member(vault)), names="www.example.org", name="shop")

    assert answer.status_code == 303
    assert Certificate.objects.filter(name="shop").count() == 2


# ----------------------------------------------------------------- live checks
def field(client: Client, target: str, **answers: Any) -> HttpResponse:
    headers = {"HX-Request": "true", "HX-Target": f"id_{target}_slot"}
    return client.post(url("field/"), form_answers(client, **answers), headers=headers)


def test_a_live_check_says_what_is_wrong_with_its_field_alone(vault: Vault, client_of: ClientOf) -> None:
    answer = field(client_of(make_member(vault)), "validity_number", validity_number="0", name="a b")

    assert answer.status_code == 200
    assert "“0” does not fit here" in answer.content.decode()
    assert "a b" not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "value"), [("name", ""), ("subject", ""), ("name", "fine"), ("nothing", "x"), ("", "x")]
)
def test_a_live_check_is_silent_where_nothing_is_wrong(
    vault: Vault, client_of: ClientOf, name: str, value: str
) -> None:
    answer = field(client_of(make_member(vault)), name, names="www.example.org", **({name: value} if name else {}))

    assert (answer.status_code, answer.content.strip()) == (200, b"")


def test_a_live_check_of_names_says_what_was_understood_and_what_it_will_be_called(
    vault: Vault, client_of: ClientOf
) -> None:
    answer = field(client_of(make_member(vault)), "names", names="https://www.example.org/x *.example.org")

    html = answer.content.decode()
    assert "2 names:" in html
    assert "Left empty: www-example-org" in html
    assert 'hx-swap-oob="true"' in html


def test_a_live_check_of_empty_names_judges_nothing(vault: Vault, client_of: ClientOf) -> None:
    answer = field(client_of(make_member(vault)), "names", names="")

    assert "field-error" not in answer.content.decode()


def test_a_live_check_finds_a_taken_name(vault: Vault, client_of: ClientOf) -> None:
    make_certificate(vault=vault, name="shop", by=make_member(vault))

    answer = field(client_of(make_member(vault, Role.REQUESTER)), "name", names="a.example", name="shop")

    assert "is taken" in answer.content.decode()


# --------------------------------------------------------------------- queries
def test_no_page_of_a_request_needs_many_queries(
    vault: Vault, client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person = make_member(vault)
    client = client_of(person)
    for number in range(30):
        make_operation(vault=vault, name=f"c{number}") if number % 2 else make_certificate(
            vault=vault, name=f"c{number}"
        )
    answers = form_answers(client, names="www.example.org", name="c2")

    with django_assert_max_num_queries(6):
        client.get(url())
    with django_assert_max_num_queries(6):
        client.post(url("check/"), answers)
    with django_assert_max_num_queries(6):
        client.post(url("field/"), answers, headers={"HX-Request": "true", "HX-Target": "id_name_slot"})


def test_a_policy_by_hand_is_a_policy_by_hand(vault: Vault, client_of: ClientOf) -> None:
    person = make_member(vault)

    submit(client_of(person), names="www.example.org", issuer=UNKNOWN, name="shop")

    operation = Operation.objects.get()
    assert operation.step == Operation.Step.AWAITING_MERGE
    assert operation.policy.names == make_policy().names


# ------------------------------------------------------------------ the cap
@pytest.fixture
def ca(vault: Vault) -> Issuer:
    """An issuer whose certificates are valid for 199 days at most."""
    return make_issuer(vault, provider="DigiCert", name="DC", config={})


ON_A_DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
REDUCED = "reduced to 199 days: CA/B cap of 15 March 2026"


@time_machine.travel(ON_A_DAY, tick=False)
def test_a_validity_beyond_the_cap_is_told_before_it_is_sent_and_kept_as_written(
    vault: Vault, client_of: ClientOf, ca: Issuer
) -> None:
    client = client_of(make_member(vault))
    answers = {"names": "www.example.org", "issuer": "DC", "validity_number": 12, "validity_unit": "months"}

    page = check(client, **answers)
    submit(client, **answers)

    assert f"12 months {REDUCED}" in words_of(page)
    operation = Operation.objects.get()
    assert operation.policy.validity == Validity(number=12)
    story = client.get(f"/vaults/payments/operations/{operation.request_id.hex}/")
    assert f"12 months {REDUCED}" in words_of(story)


@time_machine.travel(ON_A_DAY, tick=False)
def test_a_validity_within_the_cap_says_nothing_of_it(vault: Vault, client_of: ClientOf, ca: Issuer) -> None:
    page = check(
        client_of(make_member(vault)),
        names="www.example.org",
        issuer="DC",
        validity_number=199,
        validity_unit="days",
    )

    assert "reduced" not in words_of(page)


@time_machine.travel(ON_A_DAY, tick=False)
@pytest.mark.parametrize(
    ("number", "issuer", "is_told"), [("12", "DC", True), ("6", "DC", False), ("12", SELF, False), ("x", "DC", False)]
)
def test_a_live_check_of_the_validity_tells_what_becomes_of_it_before_there_are_names(
    vault: Vault, client_of: ClientOf, ca: Issuer, number: str, issuer: str, *, is_told: bool
) -> None:
    answer = field(
        client_of(make_member(vault)), "validity", issuer=issuer, validity_number=number, validity_unit="months"
    )

    assert answer.status_code == 200
    assert ("Reduced to 199 days" in answer.content.decode()) == is_told


@time_machine.travel(ON_A_DAY, tick=False)
def test_the_form_says_what_public_cas_give_now_and_next(vault: Vault, client_of: ClientOf) -> None:
    page = client_of(make_member(vault)).get(url())

    assert "public CAs give 200 days at most, 100 from 15 March 2027." in words_of(page)
