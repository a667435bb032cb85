"""What someone who means harm sends, and what must not come of it."""

import io
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client, RequestFactory
from django.urls import reverse

from portal import people
from portal.models import Role, User
from portal.wsgi import Utf8Request, application
from tests.factories import actor_of, make_certificate, make_member, make_operation, make_policy, make_user, make_vault
from tests.portal.browsing import answers_on, changed
from vault.errors import NameTaken, NotAllowed
from vault.lifecycle import issuing
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Operation, Vault

ClientOf = Callable[[User], Client]
SIGN_IN = reverse("accounts:sign-in")


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


# ---------------------------------------------------------------- addresses
def cursor(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


CURSORS = [
    cursor(b"[" * 2900),
    *(
        cursor(json.dumps([value, 1]).encode())
        for value in (
            {"v": "abc"},
            {"v": ""},
            {"v": "\ud800"},
            {"v": 5},
            {"v": 10**300},
            {"v": True},
            {"t": "2026-01-01"},
            {"t": "2026-01-01T00:00:00Z"},
            {"t": "0001-01-01T00:00:00+14:00"},
            {"t": "9999-12-31T23:59:59-14:00"},
        )
    ),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("after", CURSORS)
@pytest.mark.parametrize(
    "page",
    [
        "/?show=waiting",
        "/?show=expiring",
        "/vaults/?",
        "/vaults/deleted/?",
        "/vaults/payments/?sort=name",
        "/vaults/payments/?sort=-expires",
        "/vaults/payments/operations/?",
        "/vaults/payments/deleted/?",
        "/vaults/payments/access/?",
        "/vaults/payments/audit/?",
        "/people/?",
        "/people/audit/?",
    ],
)
def test_no_forged_place_in_a_list_breaks_its_page(vault: Vault, client_of: ClientOf, page: str, after: str) -> None:
    browser = client_of(make_member(vault, Role.ADMINISTRATOR, make_user(staff=True)))

    assert browser.get(f"{page}&after={after}").status_code == 200


@pytest.mark.parametrize("charset", ["hex", "rot13", "idna", "undefined", "unicode_escape", "utf-16"])
def test_what_is_sent_is_read_as_utf_8_whatever_it_says(charset: str) -> None:
    said: list[str] = []
    form = "--x\r\nContent-Disposition: form-data; name=username\r\n\r\n\\ud800é\r\n--x--\r\n".encode()
    octets = {"CONTENT_LENGTH": str(len(form)), "wsgi.input": io.BytesIO(form)}
    for method, kind in (("GET", "text/plain"), ("POST", "multipart/form-data; boundary=x")):
        asked = {"REQUEST_METHOD": method, "CONTENT_TYPE": f"{kind}; charset={charset}", **octets}
        environ = RequestFactory().generic(method, f"{SIGN_IN}?next=/%5Cud800").environ | asked
        assert Utf8Request(environ).POST.get("username") == ("\\ud800é" if method == "POST" else None)
        octets["wsgi.input"].seek(0)
        application(environ, lambda status, _headers: said.append(status))

    assert said == ["200 OK", "403 Forbidden"]


# ------------------------------------------------------------------ sign-in
def test_a_password_typed_as_user_name_is_kept_nowhere(client: Client) -> None:
    client.post(SIGN_IN, {"username": "Correct-Horse-9", "password": "x"})

    kept = AccessAttempt.objects.get()
    assert "horse" not in str(vars(kept)).lower()


def test_names_that_nobody_has_are_locked_like_others(client: Client) -> None:
    answers = [
        client.post(SIGN_IN, {"username": name, "password": "x"}) for name in ("eve", "EVE", "eve", "Eve", "eve")
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 429]


def test_tries_during_the_pause_neither_prolong_it_nor_fill_the_database(client: Client) -> None:
    for _ in range(5):
        client.post(SIGN_IN, {"username": "eve", "password": "x"})
    before = AccessAttempt.objects.values().get()

    client.post(SIGN_IN, {"username": "eve", "password": "x"})

    assert AccessAttempt.objects.values().get() == before


# ------------------------------------------------------------------- people
def test_an_administrator_who_never_came_does_not_count_as_the_one_that_is_left() -> None:
    last, other = make_user(staff=True), make_user()
    people.invite(username="eve", full_name="Eve", email="", is_administrator=True, by=actor_of(last))

    with pytest.raises(NotAllowed, match="last portal administrator"):
        people.withdraw_administrator(person=last, by=actor_of(other))


# ------------------------------------------------------------- certificates
def test_a_name_taken_between_check_and_request_is_not_taken_over(
    vault: Vault, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    requester = make_member(vault, Role.REQUESTER)
    browser, ask = client_of(requester), issuing.request_certificate

    def too_late(**facts: Any) -> Operation:
        monkeypatch.undo()
        make_certificate(vault=vault, name="www-example-org", by=make_user("olivia"))
        return ask(**facts)

    form = answers_on(browser.get("/vaults/payments/request/"))
    answers = changed(form, names="www.example.org evil.example", name="", submission=uuid.uuid4().hex)
    monkeypatch.setattr(issuing, "request_certificate", too_late)
    answer = browser.post("/vaults/payments/request/submit/", answers)

    assert answer.status_code == 409
    assert not Operation.objects.filter(requested_by=requester).exists()
    assert "evil.example" not in Certificate.objects.get().policy.names.dns


def test_who_saw_a_certificate_does_not_make_a_version_of_its_successor(vault: Vault) -> None:
    other = make_operation(vault=vault, name="other").certificate
    certificate = make_certificate(vault=vault, name="www")
    order = Order(name="www", policy=make_policy(), holder=other.pk)

    with pytest.raises(NameTaken, match="changed hands"):
        issuing.request_certificate(vault=vault, order=order, by=actor_of(make_member(vault)))

    assert certificate.operations.in_progress().count() == 0


def test_a_request_cut_short_does_not_take_the_tags_away(vault: Vault, client_of: ClientOf) -> None:
    certificate = make_certificate(vault=vault, name="www")
    certificate.retag({"team": "payments"})
    page = reverse("certificates:tags", args=[vault.name, "www"])

    answer = client_of(make_member(vault)).post(page, b"{}", content_type="application/json")

    assert answer.status_code == 422
    certificate.refresh_from_db()
    assert certificate.tags == {"team": "payments"}


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "evil\u202egpj"},
        {"tags": "a\u202eb=1\r\na\u202eb=2"},
        {"tags": f"a\u202e{'b' * 600}=1"},
        {"purpose": "other", "ekus": "1.2\u202e3"},
    ],
)
def test_no_refusal_repeats_what_steers_the_text_around_it(
    vault: Vault, client_of: ClientOf, sent: dict[str, str]
) -> None:
    browser = client_of(make_member(vault))
    form = answers_on(browser.get("/vaults/payments/request/"))

    answer = browser.post("/vaults/payments/request/check/", changed(form, names="www.example.org", **sent))

    sentences = str(answer.context["form"].errors)
    assert answer.status_code == 422
    assert "U+202E" in sentences
    assert "\u202e" not in sentences
