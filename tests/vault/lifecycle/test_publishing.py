"""Events on their way to webhooks, to a receiver that really listens."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, override_settings
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import make_certificate, make_vault
from vault.errors import BadParameter
from vault.lifecycle import publishing, webhooks
from vault.models import AuditEvent, Certificate, Delivery, EventKind, Vault, Webhook
from vault.models.audit import SYSTEM
from vault.models.policy import Validity

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@dataclass
class Receiver:
    """What came: headers and body; `status` is what is answered."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.came for event in json.loads(body)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        log_message = staticmethod(lambda *_: None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.came.append((dict(self.headers), body))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Who hears too much hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook?key=abc"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def vault(settings: Settings) -> Vault:
    settings.CA_LOOPBACK = True
    settings.PORTAL_URL = "https://portal.example.org"
    return make_vault("payments")


def hook(vault: Vault, there: Receiver, *events: str) -> tuple[Webhook, str]:
    return webhooks.add_webhook(vault=vault, name="Ops", url=there.url, events=events, by=SYSTEM)


def test_a_new_version_is_told_signed_and_once(vault: Vault, there: Receiver) -> None:
    _, secret = hook(vault, there)
    certificate = make_certificate(vault=vault, name="shop")
    version = certificate.current
    assert version is not None

    assert publishing.deliver_due() == 1
    assert publishing.deliver_due() == 0

    ((headers, body),) = there.came
    (event,) = json.loads(body)
    assert event["eventType"] == "Microsoft.KeyVault.CertificateNewVersionCreated"
    assert event["subject"] == "shop"
    assert event["topic"] == "https://portal.example.org/vaults/payments/"
    assert event["data"] == {
        "Id": f"https://payments.vault.localhost/certificates/shop/{version.id.hex}",
        "VaultName": "payments",
        "ObjectType": "Certificate",
        "ObjectName": "shop",
        "Version": version.id.hex,
        "NBF": int(version.not_before.timestamp()),
        "EXP": int(version.not_after.timestamp()),
    }
    at, mac = (part.partition("=")[2] for part in headers["X-Chancery-Signature"].split(","))
    assert mac == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, str(delivery.id)) == ("delivered", 204, event["id"])


def test_the_program_in_the_docs_knows_what_is_ours(vault: Vault, there: Receiver) -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()
    program: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], program)
    webhook, secret = hook(vault, there)

    publishing.send_test(webhook=webhook, by=SYSTEM)

    ((headers, body),) = there.came
    header = headers["X-Chancery-Signature"]
    assert program["is_ours"](header, body, secret)
    assert not program["is_ours"](header, body + b" ", secret)
    assert not program["is_ours"](header, body, "another")


def test_what_time_brings_is_told_once_also_after_weeks(
    clock: time_machine.Traveller, vault: Vault, there: Receiver
) -> None:
    hook(vault, there, EventKind.NEAR_EXPIRY, EventKind.EXPIRED)
    make_certificate(vault=vault, name="year", validity=Validity(number=365, unit="days"))
    make_certificate(vault=vault, name="days", validity=Validity(number=6, unit="days"))

    told: list[tuple[int, str, str]] = []
    for day in (1, 3, 5, 5, 7, 300, 336, 337, 400, 401):
        clock.move_to(NOW + timedelta(days=day))
        publishing.publish_due()
        publishing.deliver_due()
        told += [(day, event["subject"], event["eventType"].rpartition(".")[2]) for event in there.events()]
        there.came.clear()

    assert told == [
        (5, "days", "CertificateNearExpiry"),
        (7, "days", "CertificateExpired"),
        (336, "year", "CertificateNearExpiry"),
        (400, "year", "CertificateExpired"),
    ]


def test_what_ended_before_the_webhook_was_there_is_not_told(
    clock: time_machine.Traveller, vault: Vault, there: Receiver
) -> None:
    make_certificate(vault=vault, validity=Validity(number=6, unit="days"))
    clock.shift(timedelta(days=8))
    hook(vault, there)

    assert publishing.publish_due() == 0


def test_only_what_was_asked_for_is_told(vault: Vault, there: Receiver) -> None:
    hook(vault, there, EventKind.EXPIRED)

    make_certificate(vault=vault)

    assert not Delivery.objects.exists()


@pytest.mark.parametrize("status", [500, 302, 401, 408, 429])
def test_what_is_not_taken_is_sent_again_later_and_given_up_after_days(
    clock: time_machine.Traveller, vault: Vault, there: Receiver, status: int
) -> None:
    webhook, _ = hook(vault, there)
    there.status, there.body, there.headers = status, b"no", {"Location": "http://127.0.0.1:9/"}
    make_certificate(vault=vault)

    assert publishing.deliver_due() == 0
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.next_try_at) == ("waiting", status, NOW + timedelta(minutes=1))
    assert delivery.said == "no"
    webhook.refresh_from_db()
    assert webhook.failing_since == NOW

    tries = 0
    while Delivery.objects.get().state == "waiting":
        clock.shift(timedelta(hours=6))
        publishing.deliver_due()
        tries += 1
    assert tries == 13
    assert len({headers["X-Chancery-Delivery"] for headers, _ in there.came}) == 1


def test_a_receiver_that_comes_back_gets_it(clock: time_machine.Traveller, vault: Vault, there: Receiver) -> None:
    webhook, _ = hook(vault, there)
    there.status = 503
    make_certificate(vault=vault)
    publishing.deliver_due()

    there.status = 200
    clock.shift(timedelta(minutes=1))
    assert publishing.deliver_due() == 1

    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_one_that_is_gone_is_switched_off(vault: Vault, there: Receiver) -> None:
    webhook, _ = hook(vault, there)
    there.status = 410
    make_certificate(vault=vault)

    publishing.deliver_due()

    webhook.refresh_from_db()
    assert not webhook.enabled
    assert Delivery.objects.get().state == "given-up"
    assert AuditEvent.objects.filter(action="webhooks/gone").exists()


def test_a_huge_answer_and_one_with_markup_are_cut(vault: Vault, there: Receiver) -> None:
    webhook, _ = hook(vault, there)
    there.status, there.body = 200, b"<script>" + b"x" * 6_000_000

    delivery = publishing.send_test(webhook=webhook, by=SYSTEM)

    assert (delivery.state, delivery.status) == ("given-up", 0)
    assert len(delivery.said) < 301


def test_addresses_inside_are_not_called(vault: Vault, settings: Settings) -> None:
    webhook, _ = webhooks.add_webhook(vault=vault, name="In", url="https://localhost/hook", by=SYSTEM)
    settings.CA_LOOPBACK = False

    delivery = publishing.send_test(webhook=webhook, by=SYSTEM)

    assert (delivery.state, delivery.status) == ("given-up", 0)
    assert delivery.said


@pytest.mark.parametrize(
    "url", ["ftp://a.example.org/", "http://a.example.org/", "https://u:p@a.example.org/", "", "https://" + "a" * 500]
)
def test_what_is_no_address_is_refused(vault: Vault, settings: Settings, url: str) -> None:
    settings.CA_LOOPBACK = False

    with pytest.raises(BadParameter):
        webhooks.add_webhook(vault=vault, name="Ops", url=url, by=SYSTEM)


def test_nothing_secret_is_on_record_or_in_logs(
    vault: Vault, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    webhook, secret = hook(vault, there)
    publishing.send_test(webhook=webhook, by=SYSTEM)
    again = webhooks.new_secret(webhook=webhook, by=SYSTEM)

    everything = caplog.text + str(list(AuditEvent.objects.values()))
    assert secret not in everything
    assert again not in everything
    assert "key=abc" not in everything
    assert "/hook" not in everything
    assert webhooks.secret_of(webhook) == again != secret


def test_an_event_is_sent_again_on_demand(vault: Vault, there: Receiver) -> None:
    hook(vault, there)
    make_certificate(vault=vault)
    publishing.deliver_due()

    assert publishing.send_again(delivery=Delivery.objects.get(), by=SYSTEM)
    assert not publishing.send_again(delivery=Delivery.objects.get(), by=SYSTEM)
    publishing.deliver_due()

    assert len(there.came) == 2


def test_what_ended_long_ago_is_forgotten(clock: time_machine.Traveller, vault: Vault, there: Receiver) -> None:
    hook(vault, there)
    make_certificate(vault=vault)
    publishing.deliver_due()
    clock.shift(publishing.KEPT_FOR + timedelta(minutes=1))

    publishing.forget_old()

    assert not Delivery.objects.exists()


def test_a_sweep_asks_the_same_however_many_there_are(
    clock: time_machine.Traveller, vault: Vault, there: Receiver, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hook(vault, there, EventKind.EXPIRED)
    for count in (1, 8):
        for _ in range(count):
            make_certificate(vault=vault, validity=Validity(number=6, unit="days"))
        clock.shift(timedelta(days=7))
        with django_assert_num_queries(4):
            assert publishing.publish_due() == count
        Certificate.objects.update(deleted_at=NOW)


class TwoWorkers(TransactionTestCase):
    """Two that deliver at the same time."""

    def test_send_it_once(self) -> None:
        """Each event is sent by one of them."""
        with receiver() as there, override_settings(CA_LOOPBACK=True):
            vault = make_vault()
            hook(vault, there)
            for _ in range(4):
                make_certificate(vault=vault)
            start = threading.Barrier(2)

            def work() -> None:
                start.wait()
                publishing.deliver_due()
                connection.close()

            workers = [threading.Thread(target=work) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

            assert len(there.came) == 4
