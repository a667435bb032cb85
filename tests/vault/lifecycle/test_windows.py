"""Windows of renewal, asked of a server that answers over HTTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_certificate, make_vault
from tests.pki.authority import make_leaf, make_root
from tests.servers.scripted import Says, Scripted, problem, scripted
from tests.vault.lifecycle.cas import make_issuer
from tests.vault.providers.acme.rig import values
from vault import leases, tasks
from vault.lifecycle import issuers, outlook, windows
from vault.models import Certificate, Issuer, Operation
from vault.models.policy import SELF
from vault.providers.acme.ari import cert_id

pytestmark = pytest.mark.django_db

LEAF = make_leaf(make_root()).der
ASK = f"/renewalInfo/{cert_id(LEAF)}"


@pytest.fixture
def server(settings: Settings) -> Iterator[Scripted]:
    settings.CA_LOOPBACK = True
    with scripted() as running:
        asked(running)
        yield running
        issuers._adapters.clear()


@pytest.fixture
def issuer(server: Scripted) -> Issuer:
    return make_issuer(make_vault(), provider="ACME", config=values(f"{server.address}/directory"))


def asked(server: Scripted) -> list[str]:
    """Every question about a window from now on, as it comes."""
    questions: list[str] = []
    real = server.answer

    def noted(path: str) -> Says:
        if path.startswith("/renewalInfo/"):
            questions.append(path)
        return real(path)

    server.answer = noted  # type: ignore[method-assign]
    return questions


def ordered_from(issuer: Issuer) -> Certificate:
    """A certificate whose current version, `LEAF`, was ordered from this issuer."""
    certificate = make_certificate(vault=issuer.vault)
    assert certificate.current is not None
    Operation.objects.filter(version=certificate.current).update(issuer=issuer, issuer_name=issuer.name)
    type(certificate.current).objects.filter(pk=certificate.current.pk).update(der=LEAF)
    Certificate.objects.filter(pk=certificate.pk).update(issuer_name=issuer.name)
    outlook.look_ahead()
    return fresh(certificate)


def fresh(certificate: Certificate) -> Certificate:
    return Certificate.objects.select_related("vault", "current").get(pk=certificate.pk)


def due_again(certificate: Certificate) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(ask_window_at=timezone.now())


def wait(certificate: Certificate) -> timedelta:
    """How long until it is asked about again."""
    moment = fresh(certificate).ask_window_at
    assert moment is not None
    return moment - timezone.now()


def window(start: datetime, days: int = 2, **more: Any) -> dict[str, Any]:
    return {"suggestedWindow": {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}, **more}


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    with time_machine.travel(timezone.now(), tick=False):
        yield


def test_the_window_of_the_ca_moves_the_renewal(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    begins = timezone.now() + timedelta(days=3)
    page = "https://ca.example/why"
    server.answers[ASK] = [Says(window(begins, explanationURL=page), 200, {"Retry-After": "7200"})]

    assert windows.ask_due() == 1

    found = fresh(certificate)
    assert (found.window_start, found.window_end, found.window_url) == (begins, begins + timedelta(days=2), page)
    assert wait(certificate) == timedelta(hours=2)
    assert outlook.look_ahead() == 1
    renew_at = fresh(certificate).renew_at
    assert renew_at is not None
    assert begins <= renew_at <= begins + timedelta(days=2)
    assert windows.ask_due() == 0


def test_the_same_window_again_is_no_news_and_another_is(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    begins = timezone.now() + timedelta(days=3)
    server.answers[ASK] = [Says(window(begins)), Says(window(begins)), Says(window(begins, days=1))]
    looks = []
    for _ in range(3):
        due_again(certificate)
        windows.ask_due()
        looks.append(outlook.look_ahead())

    assert looks == [1, 0, 1]


@pytest.mark.parametrize(("said", "waited"), [("60", 1), ("", 6), ("999999", 24)])
def test_it_is_asked_again_when_the_ca_says_within_reason(
    server: Scripted, issuer: Issuer, said: str, waited: int
) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3)), 200, {"Retry-After": said} if said else {})]

    windows.ask_due()

    assert wait(certificate) == timedelta(hours=waited)


def test_where_nobody_can_be_asked_no_one_is(server: Scripted, issuer: Issuer, django_assert_num_queries: Any) -> None:
    questions = asked(server)
    for _ in range(4):
        make_certificate(vault=issuer.vault)
    with django_assert_num_queries(4):
        assert windows.ask_due() == 0
    assert not questions
    assert not Certificate.objects.exclude(ask_window_at=None).exists()


def test_a_policy_that_names_another_issuer_has_it_asked_again(server: Scripted, issuer: Issuer) -> None:
    certificate = make_certificate(vault=issuer.vault)
    Operation.objects.all().delete()  # brought, not ordered
    assert certificate.current is not None
    type(certificate.current).objects.filter(pk=certificate.current.pk).update(der=LEAF)
    windows.ask_due()
    assert fresh(certificate).ask_window_at is None
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3)))]

    certificate.adopt_policy(certificate.policy.__class__(**{**vars(certificate.policy), "issuer_name": issuer.name}))

    assert windows.ask_due() == 1
    assert fresh(certificate).window_start is not None


def test_an_error_leaves_what_is_known_and_is_tried_again_later(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3))), problem("malformed", 404)]
    windows.ask_due()
    due_again(certificate)

    windows.ask_due()

    assert fresh(certificate).window_start is not None
    assert wait(certificate) == windows.AFTER_ERROR


def test_a_ca_that_is_down_gets_one_call_for_all(server: Scripted, issuer: Issuer) -> None:
    certificates = [ordered_from(issuer) for _ in range(3)]
    server.answers[ASK] = [Says("down", 503)]
    questions = asked(server)

    windows.ask_due()

    assert len(questions) == 1
    assert {wait(certificate) for certificate in certificates} == {windows.SHORTEST}


def test_a_ca_that_asks_to_slow_down_pauses_its_issuer(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [problem("rateLimited", 429, **{"Retry-After": "600"})]
    questions = asked(server)

    windows.ask_due()
    issuer.refresh_from_db()
    assert issuer.is_paused
    due_again(certificate)
    windows.ask_due()

    assert len(questions) == 1
    assert wait(certificate) == windows.SHORTEST


@pytest.mark.parametrize("facts", [{"enabled": False}, {"pause": Issuer.Pause.CREDENTIALS}])
def test_an_issuer_that_rests_is_not_asked(server: Scripted, issuer: Issuer, facts: dict[str, Any]) -> None:
    certificate = ordered_from(issuer)
    questions = asked(server)
    Issuer.objects.filter(pk=issuer.pk).update(**facts)

    windows.ask_due()

    assert not questions
    assert wait(certificate) >= windows.SHORTEST


def test_a_ca_whose_share_of_workers_is_busy_is_asked_later(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    questions = asked(server)
    busy = make_certificate(vault=issuer.vault)
    held = {"status": Operation.Status.IN_PROGRESS, "next_step_at": timezone.now() + timedelta(minutes=1)}
    Operation.objects.filter(certificate=busy).update(
        issuer=issuer, version=None, leased_by=f"{leases.machine()} 1 2.00", ended_at=None, **held
    )

    windows.ask_due()

    assert not questions
    assert wait(certificate) == timedelta(minutes=1)


def test_a_worker_that_dies_leaves_the_question_to_another(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3)))]
    at = fresh(certificate).ask_window_at
    assert at is not None
    assert certificate.current is not None
    mine = windows._Due(certificate.pk, certificate.current.pk, at)
    assert windows._claim(mine)
    assert not windows._claim(mine)
    assert windows.ask_due() == 0

    with time_machine.travel(timezone.now() + windows.LEASE, tick=False):
        assert windows.ask_due() == 1


@pytest.mark.parametrize("over", ["expired", "deleted", "vault deleted"])
def test_nobody_asks_about_what_is_over(server: Scripted, issuer: Issuer, over: str) -> None:
    certificate = ordered_from(issuer)
    questions = asked(server)
    if over == "expired":
        Certificate.objects.update(expires_at=timezone.now())
    elif over == "deleted":
        certificate.delete_softly()
    else:
        issuer.vault.delete_softly()

    assert windows.ask_due() == 0

    assert not questions


def test_an_answer_about_a_version_before_is_dropped(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3)))]
    other = make_certificate(vault=issuer.vault).current
    assert other is not None
    provider = issuers.provider_of(issuer)
    hint = provider.renewal_info(LEAF)
    assert certificate.current is not None
    assert certificate.ask_window_at is not None
    before = windows._Due(certificate.pk, certificate.current.pk, certificate.ask_window_at)
    Certificate.objects.filter(pk=certificate.pk).update(current=other)

    assert not windows._claim(before)
    windows._keep(before, hint)

    assert fresh(certificate).window_start is None


def test_the_task_asks(server: Scripted, issuer: Issuer) -> None:
    certificate = ordered_from(issuer)
    server.answers[ASK] = [Says(window(timezone.now() + timedelta(days=3)))]

    tasks.ask_windows()

    assert fresh(certificate).window_start is not None
    assert certificate.policy.issuer_name == SELF
