"""Revoking from the page of a version, and cancelling from a request's, at a CA that answers on a socket."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from portal.models import Role, User
from tests.factories import make_certificate, make_member
from tests.vault.lifecycle.cas import Rig, fresh, offered
from tests.vault.lifecycle.tiny import BLIND, TINY, TinySimulator
from vault.lifecycle import reconciling
from vault.models import AuditEvent, Version
from vault.simulators.kit import Fault

SignIn = Callable[[User], Client]
REPLACED, EXPOSED = "4", "1"


@pytest.fixture(scope="module")
def simulator() -> Iterator[TinySimulator]:
    with TinySimulator() as running:
        yield running


@pytest.fixture
def rig(simulator: TinySimulator) -> Iterator[Rig]:
    simulator.clear()
    with offered(TINY, BLIND), Rig(simulator) as rig:
        yield rig


def issued(rig: Rig) -> Version:
    """A version that the rig's CA has issued, for a certificate named `shop`."""
    version = rig.play(rig.request("shop")).version
    assert version is not None
    return version


def address(version: Version, path: str = "") -> str:
    certificate = version.certificate
    return f"/vaults/{certificate.vault}/certificates/{certificate}/versions/{version}/{path}"


def test_a_version_is_revoked_for_a_reason_and_shown_so_everywhere(rig: Rig, client_of: SignIn) -> None:
    version = issued(rig)
    browser = client_of(make_member(rig.vault))

    page = browser.get(address(version)).text
    form = browser.get(address(version, "revoke/")).text
    answers = {"reason": EXPOSED, "note": "Found in a public place.", "confirm": "shop"}
    done = browser.post(address(version, "revoke/"), answers, follow=True).text

    version.refresh_from_db()
    assert f'href="{address(version, "revoke/")}"' in page
    assert "Its private key was exposed" in form
    assert "It is revoked." in done
    assert version.revocation == Version.Revocation.REVOKED
    assert rig.simulator.orders[0].status == "revoked"
    certificate = f"/vaults/{rig.vault}/certificates/shop/"
    for place in (address(version), certificate, f"/vaults/{rig.vault}/"):
        assert 'data-status="revoked"' in browser.get(place).text, place
    assert "its private key was exposed" in browser.get(address(version)).text
    assert browser.get(address(version, "revoke/")).status_code == 409
    assert AuditEvent.objects.filter(action="certificates/revoke", result="done").count() == 1


def test_where_the_ca_must_approve_it_is_said_who_must(rig: Rig, client_of: SignIn) -> None:
    version = issued(rig)
    rig.break_down(Fault(on="*", do="revoke-waits"))
    browser = client_of(make_member(rig.vault))

    browser.post(address(version, "revoke/"), {"reason": REPLACED, "confirm": "shop"})

    text = browser.get(address(version)).text
    assert 'data-status="revoking"' in text
    assert f"at the CA of “{rig.issuer}” has to approve that" in text
    assert "Ask again…" in text


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"confirm": "shop"}, "Choose why."),
        ({"reason": "2", "confirm": "shop"}, "is not one of the choices"),
        ({"reason": REPLACED, "confirm": "shops"}, "Type shop to confirm. Nothing was revoked."),
        ({"reason": REPLACED, "confirm": "shop", "note": "x" * 501}, "too long"),
    ],
)
def test_answers_that_do_not_fit_revoke_nothing(
    rig: Rig, client_of: SignIn, answers: dict[str, str], words: str
) -> None:
    version = issued(rig)

    response = client_of(make_member(rig.vault)).post(address(version, "revoke/"), answers)

    assert response.status_code == 422
    assert words in response.text
    assert rig.simulator.counts["revoke"] == 0


def test_when_the_ca_does_not_answer_the_form_stays_with_its_words(rig: Rig, client_of: SignIn) -> None:
    version = issued(rig)
    rig.break_down(Fault(on="revoke", do="reset"))
    browser = client_of(make_member(rig.vault))

    response = browser.post(address(version, "revoke/"), {"reason": REPLACED, "confirm": "shop"})

    version.refresh_from_db()
    assert response.status_code == 422
    assert "Nothing was revoked: Tiny" in response.text
    assert version.revocation == Version.Revocation.NONE


def test_readers_see_no_way_to_revoke_and_have_none(rig: Rig, client_of: SignIn) -> None:
    version = issued(rig)
    reader = client_of(make_member(rig.vault, Role.READER))

    text = reader.get(address(version)).text
    refused = reader.post(address(version, "revoke/"), {"reason": REPLACED, "confirm": "shop"})

    assert "Revoke…" not in text
    assert refused.status_code == 403


def test_what_no_ca_of_the_vault_made_says_why_it_cannot_be_revoked(client_of: SignIn) -> None:
    version = make_certificate(name="own").current
    browser = client_of(make_member(version.certificate.vault))

    text = browser.get(address(version)).text

    assert "No issuer of this vault made it" in text
    assert "Revoke…" not in text


def test_a_version_takes_at_most_eight_queries(
    rig: Rig, client_of: SignIn, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    version = issued(rig)
    browser = client_of(make_member(rig.vault))
    browser.get(address(version))

    with django_assert_max_num_queries(8):
        browser.get(address(version))


def test_cancelling_at_a_ca_that_can_says_that_it_is_asked(rig: Rig, client_of: SignIn) -> None:
    rig.break_down(approval=True)
    operation = rig.play_until(rig.request("shop"), "ordered")
    browser = client_of(make_member(rig.vault))
    place = f"/vaults/{rig.vault}/operations/{operation}/"

    before = browser.get(place).text
    after = browser.post(f"{place}cancel/", follow=True).text

    assert "The issuer is asked to stop" in before
    assert "https://tiny.example/" in before
    assert "asked to stop" in after
    assert rig.play(fresh(operation)).status == "cancelled"


def test_a_late_certificate_is_revoked(rig: Rig, client_of: SignIn) -> None:
    rig.break_down(Fault(on="*", do="late-issue"), approval=True)
    operation = rig.play_until(rig.request("shop"), "ordered")
    rig.cancel(operation)
    operation = rig.play(operation)
    assert operation.watch_at is not None
    rig.move_to(operation.watch_at)
    reconciling.watch_due()
    browser = client_of(make_member(rig.vault))
    place = f"/vaults/{rig.vault}/operations/{operation}/"

    page = browser.get(f"{place}late/").text
    done = browser.post(f"{place}late/", {"decision": "revoke"}, follow=True).text

    assert "Have it revoked" in page
    assert "It is revoked." in done
    assert "The CA was asked to revoke it." in done
    assert fresh(operation).late_settled == "revoked"
