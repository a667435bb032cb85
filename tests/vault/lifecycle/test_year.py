"""A year of a small fleet: nothing expires unannounced, nothing is said twice, what renews by itself does so in time.

`bench/year.py` does the same with a thousand certificates.
"""

import pytest

from tests.vault.lifecycle.year import KINDS, Outage, Year

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SIZE = 2 * len(KINDS)


@pytest.mark.parametrize(
    "outages",
    [{}, {"mail": Outage(day=40, days=7)}, {"worker": Outage(day=60, days=30)}],
    ids=["all is well", "no mail server for a week", "no worker for a month"],
)
def test_a_year_goes_by(outages: dict[str, Outage]) -> None:
    with Year(size=SIZE, **outages) as year:
        year.pass_by()

        assert year.wrongs() == []
        figures = year.figures()
        assert figures["renewals"] > len(KINDS)
        assert figures["expired"] >= len(KINDS)
        assert figures["mails"] > 0


def test_a_ca_that_is_down_for_three_days_just_then_makes_it_late_and_no_more() -> None:
    with Year(size=SIZE) as year:
        day = year.first_due("tiny")
        year.ca = Outage(day=day, days=3)
        year.pass_by(day + 6)

        assert year.wrongs() == []
        year.ca = None
        assert len(year.wrongs()) >= 1, "without the excuse it is late"


def test_silence_would_be_noticed() -> None:
    with Year(size=len(KINDS), mail=Outage(day=0, days=365)) as year:
        year.pass_by(120)

        assert any("expired" in wrong and "after 0 notices" in wrong for wrong in year.wrongs())
