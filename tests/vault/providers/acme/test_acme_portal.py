"""A whole request, from policy to version, with the portal itself answering the CA (http-01)."""

import time
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from tests.factories import make_operation, make_vault
from tests.servers import pebble as pebble_keys
from tests.servers.pebble import Pebble
from tests.vault.providers.acme.rig import values
from vault import tasks
from vault.lifecycle import issuers
from vault.models import Challenge, Issuer, Operation, Vault
from vault.models.policy import AlternativeNames

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _forget_adapters() -> Iterator[None]:
    """Close what the adapters of a test keep open."""
    yield
    issuers._adapters.clear()


def make_issuer(vault: Vault, ca: Pebble) -> Issuer:
    """An issuer that orders at Pebble."""
    issuer = Issuer(vault=vault, name="pebble", provider="ACME")
    issuer.config = values(ca.directory, trust=ca.trust, method="http-01", account_id=pebble_keys.KEY_ID)
    issuer.secrets = issuers.seal_secrets(issuer, {"password": pebble_keys.MAC_KEY})
    issuer.save()
    return issuer


def _work(operation: Operation) -> list[str]:
    """Let the worker take its steps without waiting in between; returns what the page said on the way."""
    deadline, said = time.monotonic() + 30, []
    while operation.status == Operation.Status.IN_PROGRESS:
        assert time.monotonic() < deadline, said
        Operation.objects.filter(pk=operation.pk).update(next_step_at=operation.created_at)
        tasks.advance_operation(operation.pk)
        operation.refresh_from_db()
        said.append(operation.detail)
        time.sleep(0.05)
    return said


def test_a_certificate_is_issued_while_the_portal_answers_the_ca(
    ca: Pebble, portal_at: Callable[[int], None], settings: Settings
) -> None:
    settings.CA_LOOPBACK = True
    portal_at(ca.http_port)
    vault = make_vault()
    issuer = make_issuer(vault, ca)
    names = AlternativeNames(dns=("www.example.test", "shop.example.test"))
    operation = make_operation(vault=vault, issuer="pebble", names=names)

    said = _work(operation)

    assert operation.status == Operation.Status.COMPLETED, (operation.error_message, said)
    assert operation.order_number.startswith("https://127.0.0.1:")
    assert operation.version is not None
    assert not Challenge.objects.exists(), "answers are taken down again"
    issuer.refresh_from_db()
    assert issuer.memory is not None
    assert pebble_keys.MAC_KEY.encode() not in bytes(issuer.memory)
    assert b"ES256" not in bytes(issuer.memory), "the account key is sealed"
