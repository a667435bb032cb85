"""Counting what expires, and drawing it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from portal.pages import picture, search
from portal.pages.picture import BUCKETS, Week
from tests.factories import make_policy, make_vault
from vault.models import Certificate, Vault

# A Wednesday.
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOON.date()
MONDAY = date(2026, 11, 23)
HALF_A_YEAR = TODAY + timedelta(weeks=25)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def expiring(vault: Vault, at: datetime | timedelta, readiness: str = "unattended", **facts: Any) -> Certificate:
    moment = NOON + at if isinstance(at, timedelta) else at
    return Certificate.objects.create(
        vault=vault,
        name=f"c{Certificate.objects.count()}",
        policy=make_policy(),
        issuer_name="Self",
        expires_at=moment,
        readiness=readiness,
        **facts,
    )


def week(number: int, **split: int) -> Week:
    monday = MONDAY + timedelta(weeks=number)
    return Week(begins=max(monday, TODAY), ends=monday + timedelta(days=6), split=split)


@pytest.mark.django_db
class TestCounting:
    @pytest.mark.parametrize(
        ("after", "bucket"),
        [
            (timedelta(days=-400), "expired"),
            (timedelta(), "expired"),
            (timedelta(seconds=1), "within-7"),
            (timedelta(days=7), "within-7"),
            (timedelta(days=7, microseconds=1), "within-30"),
            (timedelta(days=30), "within-30"),
            (timedelta(days=30, seconds=1), "within-90"),
            (timedelta(days=90), "within-90"),
            (timedelta(days=90, seconds=1), "later"),
            (timedelta(days=36500), "later"),
        ],
    )
    def test_each_certificate_is_in_the_bucket_that_its_list_shows(self, after: timedelta, bucket: str) -> None:
        certificate = expiring(make_vault(), after)

        taken = picture.take(Certificate.objects.all(), until=HALF_A_YEAR)

        assert {name for name, split in taken.buckets.items() if split} == {bucket}
        assert [name for name in BUCKETS if search.in_state(Certificate.objects.all(), name)] == [bucket]
        assert list(search.in_state(Certificate.objects.all(), bucket)) == [certificate]

    def test_readiness_is_told_apart_and_summed_up(self) -> None:
        vault = make_vault()
        for readiness, days in (("blocked", 3), ("blocked", 200), ("person", 3), ("", 3), ("unattended", 3)):
            expiring(vault, timedelta(days=days), readiness)

        taken = picture.take(Certificate.objects.all(), until=HALF_A_YEAR)

        assert taken.buckets["within-7"] == {"blocked": 1, "person": 1, "": 1, "unattended": 1}
        assert taken.total == {"blocked": 2, "person": 1, "": 1, "unattended": 1}

    def test_a_certificate_without_a_version_is_counted_apart(self) -> None:
        Certificate.objects.create(vault=make_vault(), name="new", policy=make_policy(), issuer_name="Self")

        taken = picture.take(Certificate.objects.all(), until=HALF_A_YEAR)

        assert taken.pending == 1
        assert not any(taken.buckets.values())

    @pytest.mark.parametrize(
        ("at", "number"),
        [
            (datetime(2026, 11, 25, 0, 0, tzinfo=UTC), 0),
            (datetime(2026, 11, 29, 23, 59, 59, 999999, tzinfo=UTC), 0),
            (datetime(2026, 11, 30, tzinfo=UTC), 1),
            (datetime(2026, 12, 6, 23, 59, 59, tzinfo=UTC), 1),
            (datetime(2027, 5, 23, 23, 59, 59, tzinfo=UTC), 25),
        ],
    )
    def test_weeks_begin_on_monday_in_utc(self, at: datetime, number: int) -> None:
        expiring(make_vault(), at)

        weeks = picture.take(Certificate.objects.all(), until=HALF_A_YEAR).weeks

        assert len(weeks) == 26
        assert [week.total for week in weeks] == [int(each == number) for each in range(26)]

    @pytest.mark.parametrize("at", [datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC), datetime(2027, 5, 24, tzinfo=UTC)])
    def test_before_today_and_behind_the_last_week_there_are_no_bars(self, at: datetime) -> None:
        expiring(make_vault(), at)

        assert not any(week.total for week in picture.take(Certificate.objects.all(), until=HALF_A_YEAR).weeks)

    def test_the_weeks_reach_up_to_the_one_with_the_day_asked_for(self) -> None:
        weeks = picture.take(Certificate.objects.all(), until=date(2027, 3, 15)).weeks

        assert (weeks[0].begins, weeks[0].ends) == (TODAY, date(2026, 11, 29))
        assert (weeks[-1].begins, weeks[-1].ends) == (date(2027, 3, 15), date(2027, 3, 21))

    def test_it_is_one_question_however_many_there_are(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for number in range(40):
            expiring(make_vault(), timedelta(days=number * 9 - 20), ("person", "blocked")[number % 2])

        with django_assert_num_queries(1):
            taken = picture.take(Certificate.objects.all(), until=date(2029, 12, 31))

        assert sum(taken.total.values()) == 40


class TestDrawing:
    def test_the_parts_of_a_bar_stand_on_each_other(self) -> None:
        chart = picture.draw([week(0, blocked=1, person=2, unattended=5), week(1)], days={})

        assert [(box.kind, box.y, box.height) for box in chart.boxes] == [
            ("blocked", "87.50%", "12.50%"),
            ("person", "62.50%", "25.00%"),
            ("unattended", "0.00%", "62.50%"),
        ]
        assert {(box.x, box.width) for box in chart.boxes} == {("6.00%", "38.00%")}

    @pytest.mark.parametrize(
        ("most", "ticks"),
        [
            (0, ["1"]),
            (1, ["1"]),
            (3, ["1", "2", "3"]),
            (7, ["2", "4", "6", "8"]),
            (41, ["20", "40", "60"]),
            (4000, ["1,000", "2,000", "3,000", "4,000"]),
        ],
    )
    def test_its_height_is_a_round_number(self, most: int, ticks: list[str]) -> None:
        chart = picture.draw([week(0, person=most)], days={})

        assert [tick.words for tick in chart.ticks] == ticks
        assert len(chart.boxes) == bool(most)

    def test_months_stand_where_they_begin(self) -> None:
        months = picture.draw([week(number) for number in range(10)], days={}).months

        # 1 December is a Tuesday, 1 January a Friday.
        assert [(mark.words, mark.at) for mark in months] == [("Dec", "11.43%"), ("2027", "55.71%")]

    @pytest.mark.parametrize(
        ("weeks", "words"),
        [(65, ["2027", "Apr", "Jul", "Oct", "2028"]), (162, ["2027", "2028", "2029"])],
    )
    def test_in_a_long_time_there_are_fewer_words(self, weeks: int, words: list[str]) -> None:
        chart = picture.draw([week(number) for number in range(weeks)], days={})

        assert [mark.words for mark in chart.months] == words

    def test_days_that_matter_are_marked_where_they_lie(self) -> None:
        days = {TODAY: "now", date(2026, 12, 4): "later", date(2026, 12, 7): "outside"}

        marks = picture.draw([week(0), week(1)], days=days).days

        assert [(mark.words, mark.at, mark.late) for mark in marks] == [
            ("now", "14.29%", False),
            ("later", "78.57%", True),
        ]

    def test_shares_lie_side_by_side(self) -> None:
        boxes = picture.strip({"unattended": 3, "blocked": 1})

        assert [(box.kind, box.x, box.width) for box in boxes] == [
            ("blocked", "0.00%", "25.00%"),
            ("unattended", "25.00%", "75.00%"),
        ]
        assert picture.strip({}) == []
