"""Every address of the API, asked for by everybody, and with every token: who gets what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import URLPattern

from portal.api import urls
from portal.api.http import ByMethod, Endpoint
from portal.models import Role, Token, User
from portal.rights import OF_OWNER, TOKEN_VERBS, Rights
from tests.factories import make_certificate, make_member, make_token, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.lifecycle import retiring
from vault.models.audit import SYSTEM, AuditEvent

OF_OTHERS = (Role.REQUESTER, Role.READER, Role.AUDITOR, Role.OFFICER, Role.ADMINISTRATOR)
_KEY = {"alg": "ES256", "value": "AA"}
# A body that can be read, where an empty one cannot.
BODIES: dict[str, Any] = {
    "sign": _KEY,
    "verify": {**_KEY, "digest": "AA"},
    "encrypt": _KEY,
    "decrypt": _KEY,
    "wrapkey": _KEY,
    "unwrapkey": _KEY,
    "merge": {"x5c": ["AA=="]},
    "import": {"value": "AA=="},
    "pending": {"cancellation_requested": True},
    "contacts": {"contacts": [{"email": "ada@example.org"}]},
    "create": {"policy": {"x509_props": {"subject": "CN=www"}, "key_props": {"kty": "EC", "crv": "P-256"}}},
}


@dataclass(frozen=True)
class Call:
    """One method of one address."""

    method: str
    route: str
    verb: str

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def is_of_certificate(self) -> bool:
        return "<str:name>" in self.route and "issuers/" not in self.route


def calls() -> Iterator[Call]:
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        view: Any = pattern.callback
        found = view.endpoints if isinstance(view, ByMethod) else (view,) if isinstance(view, Endpoint) else ()
        for one in found:
            yield from (Call(method, str(pattern.pattern), one.verb) for method in one.methods)


CALLS = list(calls())


class House:
    """A vault with a certificate and a deleted one, both of one requester, and somebody of every role."""

    def __init__(self) -> None:
        self.vault = make_vault("payments")
        self.owner = make_member(self.vault, Role.REQUESTER)
        self.people = {role: make_member(self.vault, role) for role in OF_OTHERS}
        self.certificate = make_certificate(vault=self.vault, name="www", by=self.owner)
        gone = make_certificate(vault=self.vault, name="gone", by=self.owner)
        retiring.delete_certificate(certificate=gone, by=SYSTEM)

    def call(self, call: Call, person: User, verbs: Any = Token.ALL) -> HttpResponse:
        name = "gone" if call.route.startswith("deleted") else "www"
        path = call.route.replace("<str:name>", name).replace("<str:version>", self.certificate.current_id.hex)
        body = None if call.method in {"GET", "DELETE"} else BODIES.get(path.rpartition("/")[2], {})
        return ApiClient(self.vault, make_token(person, self.vault, verbs=verbs)).raw(call.method, f"/{path}", body)


def is_denied(response: HttpResponse) -> bool:
    if response.status_code not in {403, 404}:
        return False
    error = error_of(response)
    if response.status_code == 403:
        return error.get("innererror") == {"code": "AccessDenied"}
    # These are not there for anybody in this house.
    return error["code"] not in {"ContactsNotFound", "CertificateIssuerNotFound"}


def test_the_addresses_are_found() -> None:
    assert len(CALLS) > 35
    assert {call.verb for call in CALLS} <= TOKEN_VERBS


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_who_lacks_the_verb_is_refused_and_changes_nothing(call: Call) -> None:
    house = House()
    before = AuditEvent.objects.count()
    tokens = 0

    for role, person in house.people.items():
        rights = Rights([role])
        may = call.verb in rights.on(house.certificate, person) if call.is_of_certificate else rights.could(call.verb)
        # A requester asks for a new version of what is another's as well, and is told that the name is taken.
        asks = call.route.endswith(("create", "import")) and call.verb in rights
        if not may and not asks:
            tokens += 1
            assert is_denied(house.call(call, person)), role

    assert AuditEvent.objects.count() == before + tokens


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_administrator_is_refused_nowhere(call: Call) -> None:
    house = House()

    response = house.call(call, house.people[Role.ADMINISTRATOR])

    assert not is_denied(response)
    assert response.status_code < 500


# What is restored belongs to whoever owned it.
NOT_OWN = {"certificates/listissuers", "certificates/getissuers", "certificates/restore"}
OWN = [call for call in CALLS if call.verb in OF_OWNER - NOT_OWN]


@pytest.mark.parametrize("call", OWN, ids=str)
def test_a_requester_is_not_refused_what_is_their_own(call: Call) -> None:
    house = House()

    assert not is_denied(house.call(call, house.owner))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_token_needs_the_verb_and_no_other(call: Call) -> None:
    house = House()
    administrator = house.people[Role.ADMINISTRATOR]

    without = house.call(call, administrator, TOKEN_VERBS - {call.verb})
    alone = house.call(call, administrator, [call.verb])

    assert is_denied(without)
    assert without.status_code == 403
    assert not is_denied(alone)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_stranger_finds_nothing_and_nobody_without_a_token_gets_in(call: Call) -> None:
    house = House()
    elsewhere = make_vault("elsewhere")
    stranger = make_token(make_member(elsewhere, Role.ADMINISTRATOR), elsewhere)
    path = "/" + call.route.replace("<str:name>", "www").replace("<str:version>", "0" * 32)

    assert ApiClient(house.vault, stranger).raw(call.method, path).status_code == 404
    assert ApiClient(house.vault).raw(call.method, path).status_code == 401
