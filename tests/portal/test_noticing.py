"""Links in mails: bound to one notice and one address, and not for ever."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string

from portal import noticing
from portal.logs import mask
from tests.factories import make_certificate, make_notice, make_user, make_vault
from vault.lifecycle import retiring, vaults
from vault.models import Notice
from vault.models.audit import SYSTEM

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def notice() -> Notice:
    return make_notice(make_certificate(vault=make_vault("payments"), name="www"), "ada@example.org")


def test_links_lead_to_the_certificate_and_to_each_answer(notice: Notice) -> None:
    made = import_string(settings.NOTICE_LINKS)(notice)

    assert made["certificate"] == f"{settings.PORTAL_URL}/vaults/payments/certificates/www/"
    answer = f"{settings.PORTAL_URL}/notices/{noticing.token_of(notice)}/"
    assert {name: address for name, address in made.items() if name != "certificate"} == {
        "acknowledge": f"{answer}#acknowledge",
        "snooze": f"{answer}#snooze",
        "hand_over": f"{answer}#hand-over",
    }


def test_a_link_opens_its_notice_for_sixty_days(notice: Notice) -> None:
    with time_machine.travel(NOON, tick=False):
        token = noticing.token_of(notice)

    with time_machine.travel(NOON + timedelta(days=60), tick=False):
        assert noticing.find(token) == notice
    with time_machine.travel(NOON + timedelta(days=60, seconds=2), tick=False):
        assert noticing.find(token) is None


def test_a_link_says_nothing_and_opens_nothing_else(notice: Notice) -> None:
    other = make_notice(notice.certificate, "bob@example.org")
    token = noticing.token_of(notice)
    _, when, signature = token.split(".")

    assert "ada" not in token
    assert noticing.find(f"{other.pk.hex}.{when}.{signature}") is None
    assert noticing.find(f"{notice.pk.hex}.{when}.{signature[:-1]}") is None
    assert noticing.find(f"{notice.pk.hex}.{when}A.{signature}") is None
    assert noticing.find(notice.pk.hex) is None


def test_a_link_ends_when_the_address_changes(notice: Notice) -> None:
    token = noticing.token_of(notice)

    Notice.objects.update(address="eve@example.org")

    assert noticing.find(token) is None


@pytest.mark.parametrize("token", ["", "x", "." * 5, "0" * 32, "é", "0" * 32 + ".a.b", "-" * 5000])
def test_what_is_no_link_opens_nothing(token: str) -> None:
    assert noticing.find(token) is None


def test_a_link_ends_with_the_certificate_the_vault_and_the_account(notice: Notice) -> None:
    token = noticing.token_of(notice)
    ada = make_user(email="Ada@example.org")
    assert noticing.find(token) == notice

    ada.is_active = False
    ada.save()
    assert noticing.find(token) is None

    ada.delete()
    retiring.delete_certificate(certificate=notice.certificate, by=SYSTEM)
    assert noticing.find(token) is None

    notice.certificate.recover()
    vaults.delete_vault(vault=notice.vault, by=SYSTEM)
    assert noticing.find(token) is None


@pytest.mark.parametrize("path", ["/notices/{}/", "/invitation/{}/", "/password-reset/Mg/{}/"])
def test_what_makes_a_link_work_is_never_logged(path: str) -> None:
    token = "0123456789abcdef.1vBcDe.S1gnature-with_signs"

    masked = mask(f"Forbidden (CSRF token missing.): {path.format(token)}")

    assert token not in masked
    assert masked.endswith("/[link removed]")
    assert mask("Not Found: /notices/mine/0a/") == "Not Found: /notices/mine/0a/"


def test_a_forged_form_does_not_put_the_link_into_the_log(notice: Notice, capfd: pytest.CaptureFixture[str]) -> None:
    token = noticing.token_of(notice)
    logger, handler = logging.getLogger("django.security.csrf"), logging.StreamHandler()
    handler.setFormatter(import_string("portal.logs.Line")())
    handler.addFilter(import_string("portal.logs.MaskSecrets")())
    logger.addHandler(handler)
    try:
        answer = Client(enforce_csrf_checks=True).post(f"/notices/{token}/", {"do": "acknowledge"})
    finally:
        logger.removeHandler(handler)

    said = capfd.readouterr().err
    assert answer.status_code == 403
    assert "Forbidden" in said
    assert not re.search(re.escape(token), said)
    assert Notice.objects.get(pk=notice.pk).settled == ""
