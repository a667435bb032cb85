"""Mails with notices, to a mail server that really listens."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import Settings

from tests.factories import make_certificate, make_notice, make_vault
from tests.servers.smtp import Mailbox, Server, mail_server
from vault.lifecycle import answering_notices, contacts, posting
from vault.models import Certificate, Mail, Notice
from vault.models.audit import SYSTEM

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
ADA = "ada@example.org"
Reason = Notice.Reason


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        settings.EMAIL_TIMEOUT = 3
        settings.MAIL_WORKS = True
        settings.DEFAULT_FROM_EMAIL = "Chancery <chancery@portal.example.org>"
        settings.PORTAL_URL = "https://portal.example.org"
        yield server


@pytest.fixture
def box(server: Server) -> Mailbox:
    return server.mailbox


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def certificate() -> Certificate:
    return make_certificate(vault=make_vault("payments"), name="shop")


def text_of(box: Mailbox, place: int = -1) -> str:
    body = box.messages[place].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_one_digest_a_day_says_everything_with_links(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate
) -> None:
    other = make_certificate(vault=certificate.vault, name="mail")
    make_notice(certificate, ADA, reason=Reason.NEAR)
    make_notice(other, ADA, reason=Reason.RENEWED)

    assert posting.post_due() == 1
    assert posting.post_due() == 0
    make_notice(other, ADA, reason=Reason.CLOSE)
    assert posting.post_due() == 0
    clock.move_to(NOW + timedelta(days=1))
    assert posting.post_due() == 1

    assert len(box.messages) == 2
    first = box.messages[0]
    assert first["Subject"] == "2 notices about certificates, first shop"
    assert "https://portal.example.org/vaults/payments/certificates/shop/" in text_of(box, 0)
    html = first.get_body(("html",))
    assert html is not None
    assert "#acknowledge" in html.get_content()
    assert box.messages[1]["Subject"].startswith("mail: Expires on")
    assert "shop" not in text_of(box, 1)


def test_the_digest_waits_for_its_hour_and_what_is_urgent_does_not(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate, settings: Settings
) -> None:
    settings.DIGEST_HOUR = 11
    make_notice(certificate, ADA, reason=Reason.NEAR)
    make_notice(certificate, ADA, reason=Reason.FAILED, urgent=True, words="The CA says no.")

    assert posting.post_due() == 1
    assert "The CA says no." in text_of(box)
    clock.move_to(NOW + timedelta(hours=2))
    assert posting.post_due() == 1


def test_urgent_things_within_a_quarter_of_an_hour_come_together(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate
) -> None:
    others = [make_certificate(vault=certificate.vault) for _ in range(3)]
    make_notice(certificate, ADA, reason=Reason.FAILED, urgent=True)
    posting.post_due()
    for other in others:
        make_notice(other, ADA, reason=Reason.FAILED, urgent=True)
        posting.post_due()
    assert len(box.messages) == 1

    clock.shift(timedelta(minutes=16))
    posting.post_due()

    assert len(box.messages) == 2
    assert all(other.name in text_of(box) for other in others)


def test_what_was_settled_meanwhile_is_not_said(
    clock: time_machine.Traveller, server: Server, certificate: Certificate
) -> None:
    notice = make_notice(certificate, ADA, reason=Reason.NEAR)
    server.stop()
    posting.post_due()
    answering_notices.acknowledge(notice, by=SYSTEM)
    server.start()
    clock.shift(timedelta(hours=1))

    assert posting.post_due() == 0

    assert not Mail.objects.exists()
    assert not server.mailbox.messages


def test_what_is_snoozed_comes_again(clock: time_machine.Traveller, box: Mailbox, certificate: Certificate) -> None:
    notice = make_notice(certificate, ADA, reason=Reason.NEAR)
    posting.post_due()
    answering_notices.snooze(notice, days=3, by=SYSTEM)
    for day in range(1, 6):
        clock.move_to(NOW + timedelta(days=day, minutes=1))
        posting.post_due()

    assert len(box.messages) == 2


def test_a_server_that_is_down_for_a_week_delays_and_loses_nothing(
    clock: time_machine.Traveller, server: Server, certificate: Certificate
) -> None:
    server.stop()
    others = [make_certificate(vault=certificate.vault) for _ in range(7)]
    for day, other in enumerate(others):
        clock.move_to(NOW + timedelta(days=day))
        make_notice(other, ADA, reason=Reason.NEAR)
        assert posting.post_due() == 0
    mail = Mail.objects.get()
    assert (mail.state, mail.attempts) == (Mail.State.WAITING, 7)
    assert "could not be reached" in mail.said

    server.start()
    clock.move_to(NOW + timedelta(days=7))
    assert posting.post_due() == 1
    assert posting.post_due() == 0

    assert all(other.name in text_of(server.mailbox) for other in others)
    assert Mail.objects.get().state == Mail.State.SENT


def test_a_refusal_for_the_moment_is_tried_again_with_the_same_id(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate
) -> None:
    make_notice(certificate, ADA)
    box.refuse = "451 4.3.0 try again later"
    posting.post_due()
    mail = Mail.objects.get()
    assert (mail.state, mail.said) == (Mail.State.WAITING, "451 4.3.0 try again later")

    box.refuse = ""
    clock.shift(timedelta(minutes=1))
    posting.post_due()

    assert box.messages[0]["Message-ID"] == f"<{mail.pk.hex}@portal.example.org>"


@pytest.mark.parametrize("where", ["refuse", "fail"])
def test_a_refusal_for_good_ends_it_in_the_servers_words(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate, where: str
) -> None:
    make_notice(certificate, ADA)
    setattr(box, where, "550 5.1.1 no such person")

    posting.post_due()
    clock.shift(timedelta(days=1))
    posting.post_due()

    mail = Mail.objects.get()
    assert (mail.state, mail.said, mail.attempts) == (Mail.State.FAILED, "550 5.1.1 no such person", 1)


def test_a_worker_killed_while_it_sends_leaves_it_to_the_next(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_notice(certificate, ADA)
    with monkeypatch.context() as killed:
        killed.setattr("vault.lifecycle.posting._message", _dies)
        with pytest.raises(SystemExit):
            posting.post_due()
    assert posting.post_due() == 0

    clock.shift(timedelta(minutes=3))

    assert posting.post_due() == 1
    assert len(box.messages) == 1


def test_without_a_mail_server_nothing_piles_up(certificate: Certificate, settings: Settings) -> None:
    settings.MAIL_WORKS = False
    make_notice(certificate, ADA)

    assert posting.post_due() == 0

    assert not Mail.objects.exists()


def test_a_test_says_that_it_is_one(clock: time_machine.Traveller, box: Mailbox) -> None:
    contacts.send_test(vault=make_vault("payments"), address="Ada@example.org", by=SYSTEM)

    assert posting.post_due() == 1

    assert box.to(ADA)[0]["Subject"] == "A test from Chancery"


def test_a_digest_of_thousands_stays_a_mail(
    clock: time_machine.Traveller, box: Mailbox, certificate: Certificate
) -> None:
    rows = [
        Notice(vault=certificate.vault, certificate=certificate, about=f"{n:032x}", reason=Reason.NEAR, address=ADA)
        for n in range(1000)
    ]
    Notice.objects.bulk_create(rows)

    posting.post_due()

    assert "… and 800 more: https://portal.example.org/notices/" in text_of(box)
    assert len(text_of(box)) < 200_000


def test_old_mails_and_notices_are_forgotten(clock: time_machine.Traveller, box: Mailbox) -> None:
    certificate = make_certificate()
    make_notice(certificate, ADA)
    posting.post_due()
    clock.shift(posting.KEPT_FOR + timedelta(minutes=1))

    posting.forget_old()

    assert not Notice.objects.exists()
    assert not Mail.objects.exists()


class TwoWorkers(TransactionTestCase):
    """Two that post at the same time."""

    def test_send_one_mail(self) -> None:
        """Each notice is in one mail, sent once."""
        certificate = make_certificate()
        make_notice(certificate, ADA)
        with (
            mail_server() as server,
            self.settings(
                EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
                EMAIL_HOST="127.0.0.1",
                EMAIL_PORT=server.port,
                EMAIL_USE_TLS=False,
                MAIL_WORKS=True,
                DIGEST_HOUR=0,
                PORTAL_URL="https://portal.example.org",
            ),
        ):
            start = threading.Barrier(3)

            def work() -> None:
                start.wait()
                posting.post_due()
                connection.close()

            workers = [threading.Thread(target=work) for _ in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

            assert len(server.mailbox.messages) == 1


def _dies(*_: object) -> None:
    raise SystemExit
