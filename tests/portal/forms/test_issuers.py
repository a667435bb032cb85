"""The form that is made from what a provider asks for."""

import pytest
from django.http import QueryDict

from portal.forms.issuers import IssuerForm
from tests.vault.lifecycle.example_ca import OFFER
from vault.lifecycle.configuring import Given
from vault.providers import OFFERS, values
from vault.providers.base import Administrator, Offer

pytestmark = pytest.mark.no_database


@pytest.fixture(autouse=True)
def _offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFERS, OFFER.key, OFFER)


def filled(**answers: str) -> IssuerForm:
    data = QueryDict(mutable=True)
    data.update(
        {
            "name": "example",
            "value_address": " https://ca.example.org ",
            "value_account_id": "1",
            "value_kind": "rest",
            "secret_password": "k",
            **{f"administrator_{name}": "ada@example.org" for name in vars(Administrator())},
            **answers,
        }
    )
    return IssuerForm(data, offer=OFFER)


def test_what_is_given_goes_by_the_names_of_the_provider() -> None:
    form = filled(value_fast="on", value_roots="-----BEGIN X-----\r\nAA")

    assert form.is_valid(), form.errors
    assert form.given == Given(
        provider="Example",
        config={
            "address": "https://ca.example.org",
            "account_id": "1",
            "organisation_id": "",
            "kind": "rest",
            "profile": "",
            "soap_address": "",
            "terms": "",
            "fast": "yes",
            "roots": "-----BEGIN X-----\nAA",
        },
        secrets={"password": "k", "client_key": ""},
        administrators=[Administrator(**dict.fromkeys(vars(Administrator()), "ada@example.org"))],
    )
    assert form.revision == 0


def test_an_unticked_box_is_no_default() -> None:
    form = filled()

    assert form.is_valid()
    assert form.given.config["fast"] == ""


def test_everything_wrong_is_said_at_once_and_at_its_place() -> None:
    form = filled(name="", value_kind="soap", value_soap_address="x", secret_password="", administrator_email="x")

    assert not form.is_valid()
    assert set(form.errors) == {
        *("name", "value_profile", "value_soap_address", "value_terms", "secret_password", "administrator_email")
    }


def test_few_people_see_what_few_people_need() -> None:
    usual, unusual = IssuerForm(offer=OFFER), filled(value_roots="no pem")

    assert [one.field.html_name for one in usual.more] == ["value_fast", "value_roots", "secret_client_key"]
    assert not usual.more_is_open
    assert unusual.more_is_open
    assert len(usual.obvious) == len(OFFER.fields) - 3


def test_a_dependent_field_says_on_what_it_depends() -> None:
    asked = {one.field.html_name: one for one in IssuerForm(offer=OFFER).obvious}

    assert asked["value_profile"].only_when == ("value_kind", "soap")
    assert asked["value_profile"].condition == "Counts only with “Interface”: SOAP."
    assert asked["value_kind"].only_when is None


def test_no_credential_is_ever_in_the_page() -> None:
    form = filled(secret_password="c4nary", secret_client_key="-----BEGIN c4nary-----")

    assert form.is_valid()
    assert "c4nary" not in str(form) + repr(form.given)


def test_what_the_ca_offers_becomes_a_choice_and_what_stood_there_stays_one() -> None:
    choices = {"organisation_id": [("17", "Example AB"), ("18", "18")]}
    data = filled(value_organisation_id="99").data

    widget = str(IssuerForm(data, offer=OFFER, choices=choices)["value_organisation_id"])

    assert "Not set" in widget
    assert '<option value="99" selected>99 (not in the CA&#x27;s list)</option>' in widget
    assert '<option value="17">Example AB (17)</option>' in widget
    assert '<option value="18">18</option>' in widget


@pytest.mark.parametrize("offer", [one for key, one in OFFERS.items() if key != OFFER.key], ids=lambda one: one.key)
def test_the_offers_of_all_cas_make_sense(offer: Offer) -> None:
    """What the form and the wire rely on: names once, conditions on what is there, secrets sealed."""
    names = [one.name for one in offer.fields]
    form = IssuerForm(offer=offer)

    assert len(set(names)) == len(names)
    assert all(one.only_when is None or one.only_when[0] in names for one in offer.fields)
    assert len(form.obvious) + len(form.more) == len(names)
    assert all(values.is_secret(one) for one in offer.fields if one.name in {"password", "tsig_secret", "client_key"})
    assert not any(one.default for one in offer.fields if values.is_secret(one))
    assert "<input" in str(form)
