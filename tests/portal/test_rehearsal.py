"""What `up --demo` plays: real requests at simulators, in every state that a CA can lead to."""

import io

import pytest
from django.conf import LazySettings

from portal import demo, rehearsal
from vault.models import AuditEvent, Issuer, Operation, Version


@pytest.fixture(autouse=True)
def _loopback(settings: LazySettings) -> None:
    settings.CA_LOOPBACK = True


def test_the_demonstration_has_a_request_in_every_state_and_each_was_ordered_once() -> None:
    out = io.StringIO()

    with rehearsal.playing(out) as cast:
        demo.fill(out, cast)
        demo.fill(out, cast)
        orders = {name: len(simulator.orders) for name, simulator in cast.items()}

    found = {one.certificate.name: one for one in Operation.objects.select_related("certificate", "issuer")}
    assert found["login-example-org"].status == "completed"
    assert found["careers-example-org"].is_in_progress
    kinds = {name: [task["kind"] for task in one.tasks] for name, one in found.items() if one.tasks}
    assert kinds["careers-example-org"] == ["organisation"]
    assert kinds["cdn-example-org"] == ["dns-txt"]
    assert kinds["partners-example-org"] == ["approve"]
    assert found["blog-example-org"].status == "failed"
    assert "telephone number could not be verified" in found["blog-example-org"].error_message
    assert found["survey-example-org"].late_at is not None
    assert found["forum-example-org"].unclear_at is not None
    assert Version.objects.filter(certificate__name="shop-example-org", operation=None).exists()
    assert orders["digicert"] == 6
    assert orders["wosign"] == 1
    assert set(Issuer.objects.values_list("name", flat=True)) == set(cast)
    assert AuditEvent.objects.filter(target__startswith="issuers/").count() >= len(cast)
    assert "cannot be played" not in out.getvalue()


def test_at_the_next_start_each_ca_is_where_its_issuer_looks_for_it() -> None:
    out = io.StringIO()
    with rehearsal.playing(out) as cast:
        demo.fill(out, cast)
        before = {name: simulator.address for name, simulator in cast.items()}

    with rehearsal.playing(out) as cast:
        after = {name: simulator.address for name, simulator in cast.items()}
        with rehearsal.playing(out) as third:
            assert not third

    assert after == before
    assert out.getvalue().count("cannot be played on port") == len(before)
