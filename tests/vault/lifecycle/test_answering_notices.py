"""Answers to notices: once, however often they are given."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_certificate, make_notice
from vault.errors import BadParameter
from vault.lifecycle import answering_notices
from vault.models import AuditEvent, Mail, Notice
from vault.models.audit import Actor

ADA = Actor(name="ada@example.org", right="mailed link")
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__startswith="notices/").order_by("id"))


def again(notice: Notice) -> Notice:
    return Notice.objects.get(pk=notice.pk)


# --------------------------------------------------------------- acknowledging
def test_acknowledging_settles_everything_about_the_version_for_that_address_alone() -> None:
    certificate = make_certificate()
    near = make_notice(certificate, "ada@example.org", reason=Notice.Reason.NEAR)
    early = make_notice(certificate, "ada@example.org", reason=Notice.Reason.EARLY)
    bobs = make_notice(certificate, "bob@example.org", reason=Notice.Reason.NEAR)
    other = make_notice(certificate, "ada@example.org", reason=Notice.Reason.NEAR, about="f" * 32)

    assert answering_notices.acknowledge(near, by=ADA)

    assert [again(each).settled for each in (near, early, bobs, other)] == ["acknowledged", "acknowledged", "", ""]
    assert again(near).settled_at is not None


def test_acknowledging_is_an_event_in_the_trail_of_the_vault() -> None:
    notice = make_notice(make_certificate(name="www"), "ada@example.org")

    answering_notices.acknowledge(notice, by=ADA)

    (event,) = events()
    assert (event.action, event.target, event.actor) == ("notices/acknowledge", "certificates/www", "ada@example.org")
    assert event.chain_id == notice.vault_id
    assert event.details == {"reason": "near", "address": "ada@example.org", "notices": 1}


def test_acknowledging_twice_is_acknowledging_once() -> None:
    notice = make_notice(make_certificate(), "ada@example.org")

    assert answering_notices.acknowledge(notice, by=ADA)
    assert not answering_notices.acknowledge(notice, by=ADA)

    assert len(events()) == 1


def test_who_acknowledged_is_found_with_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    one, two = make_certificate(), make_certificate()
    for reason in (Notice.Reason.EARLY, Notice.Reason.NEAR):
        make_notice(one, "ada@example.org", reason=reason)
    answering_notices.acknowledge(Notice.objects.all()[0], by=ADA)
    make_notice(one, "bob@example.org")
    make_notice(two, "ada@example.org")
    abouts = [one.current_id.hex, two.current_id.hex]

    with django_assert_num_queries(1):
        found = answering_notices.acknowledged(abouts)

    assert found == {(one.current_id.hex, "ada@example.org")}


# --------------------------------------------------------------------- snoozing
def test_what_is_snoozed_counts_as_not_told_until_its_day() -> None:
    mail = Mail.objects.create(kind=Mail.Kind.DIGEST, address="ada@example.org", state=Mail.State.SENT)
    notice = make_notice(make_certificate(), "ada@example.org", mail=mail)

    with time_machine.travel(NOON, tick=False):
        assert answering_notices.snooze(notice, days=3, by=ADA)

    kept = again(notice)
    assert (kept.snoozed_until, kept.mail, kept.settled) == (NOON + timedelta(days=3), None, "")
    assert events()[0].details["days"] == 3


def test_snoozing_twice_is_snoozing_once_and_another_day_is_another_answer() -> None:
    notice = make_notice(make_certificate(), "ada@example.org")

    with time_machine.travel(NOON, tick=False) as clock:
        assert answering_notices.snooze(notice, days=3, by=ADA)
        clock.shift(5)
        assert not answering_notices.snooze(notice, days=3, by=ADA)
        assert answering_notices.snooze(notice, days=7, by=ADA)

    assert [event.details["days"] for event in events()] == [3, 7]


def test_what_is_settled_is_not_snoozed() -> None:
    notice = make_notice(make_certificate(), "ada@example.org")
    answering_notices.acknowledge(notice, by=ADA)

    assert not answering_notices.snooze(notice, days=3, by=ADA)

    assert again(notice).snoozed_until is None


@pytest.mark.parametrize("days", [0, -1, 31])
def test_a_reminder_comes_within_a_month(days: int) -> None:
    notice = make_notice(make_certificate(), "ada@example.org")

    with pytest.raises(BadParameter, match="1 to 30 days"):
        answering_notices.snooze(notice, days=days, by=ADA)


# ----------------------------------------------------------------- handing over
def test_what_is_handed_over_is_told_to_someone_else() -> None:
    notice = make_notice(make_certificate(), "ada@example.org", words="It ends.", until=NOON, urgent=True)
    early = make_notice(notice.certificate, "ada@example.org", reason=Notice.Reason.EARLY)

    assert answering_notices.hand_over(notice, to="Bob@Example.org", by=ADA)

    bobs = Notice.objects.get(address="bob@example.org")
    assert (bobs.about, bobs.reason, bobs.words, bobs.until, bobs.urgent) == (
        notice.about,
        notice.reason,
        "It ends.",
        NOON,
        True,
    )
    assert (bobs.settled, bobs.mail) == ("", None)
    assert [(each.settled, each.handed_to) for each in (again(notice), again(early))] == [
        ("handed-over", "bob@example.org")
    ] * 2
    assert events()[0].details["to"] == "bob@example.org"


def test_handing_over_to_someone_who_knows_already_adds_nothing() -> None:
    certificate = make_certificate()
    notice, bobs = make_notice(certificate, "ada@example.org"), make_notice(certificate, "bob@example.org")

    assert answering_notices.hand_over(notice, to="bob@example.org", by=ADA)

    assert Notice.objects.get(address="bob@example.org") == bobs
    assert again(notice).settled == "handed-over"


def test_what_is_settled_is_not_handed_over() -> None:
    notice = make_notice(make_certificate(), "ada@example.org")
    answering_notices.acknowledge(notice, by=ADA)

    assert not answering_notices.hand_over(notice, to="bob@example.org", by=ADA)

    assert not Notice.objects.filter(address="bob@example.org").exists()
    assert len(events()) == 1


def test_nobody_hands_over_to_themselves() -> None:
    notice = make_notice(make_certificate(), "ada@example.org")

    with pytest.raises(BadParameter, match="someone else"):
        answering_notices.hand_over(notice, to="ADA@example.org", by=ADA)


# -------------------------------------------------------------- at the same time
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", ["acknowledge", "snooze", "hand over"])
def test_answers_at_the_same_moment_are_one_answer(answer: str) -> None:
    notice = make_notice(make_certificate(), "ada@example.org")
    gate, done = threading.Barrier(4), []

    def give() -> None:
        mine = Notice.objects.select_related("vault", "certificate").get(pk=notice.pk)
        gate.wait()
        match answer:
            case "acknowledge":
                done.append(answering_notices.acknowledge(mine, by=ADA))
            case "snooze":
                done.append(answering_notices.snooze(mine, days=3, by=ADA))
            case _:
                done.append(answering_notices.hand_over(mine, to="bob@example.org", by=ADA))
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [False, False, False, True]
    assert len(events()) == 1
    assert Notice.objects.filter(address="bob@example.org").count() == (1 if answer == "hand over" else 0)
