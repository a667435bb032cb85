"""How many renewals lie ahead until 2029, for the certificates of a filter: a picture, its figures, a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal import access
from portal.pages.filters import Filters
from portal.pages.http import PageRequest
from vault import foresight
from vault.caps import Cap, Kind
from vault.foresight import Forecast, Phase, Span

# So few renewals a year are told by the year: “0 a month” says nothing.
_FEW: Final = 24
_MOST_TICKS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word in the picture, and how far it is from its edge, in percent."""

    at: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A bar for each week, as paths in a plane of `weeks` by 100, and what is written around it.

    `person` stands on `alone`; `unchanged` is a line. Heights count from the top, in percent.
    """

    weeks: int
    alone: str
    person: str
    unchanged: str
    caps: Sequence[Mark]
    years: Sequence[Mark]
    ticks: Sequence[Mark]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A phase as the table shows it: by which letter it is found in the picture, and what begins with it."""

    letter: str
    phase: Phase
    caps: Sequence[str]


@require_GET
@login_required
def load(request: PageRequest) -> HttpResponse:
    """The renewals of a filter's certificates, week by week."""
    today = timezone.now().date()
    filters = Filters.read(request.GET)
    chosen = filters.apply(access.all_visible_certificates(request.user))
    groups, left_out = foresight.groups_of(chosen, today)
    forecast = foresight.foresee(groups, today=today, left_out=left_out)
    context = {
        "forecast": forecast,
        "picture": picture(forecast),
        "steps": [
            Step(letter=letter, phase=phase, caps=_cap_words(phase.caps))
            for letter, phase in zip(_letters(forecast), forecast.phases, strict=True)
        ],
        "sentence": sentence(forecast.phases),
        "query": filters.query(),
        "nav": "expiry",
    }
    return TemplateResponse(request, "expiry/load.html", context)


# -------------------------------------------------------------------- in words
def sentence(phases: Sequence[Phase]) -> str:
    """Today's renewals, and those under each cap: “Today 40 renewals a month; 92 from 15 March 2027.”."""
    now, *later = phases
    yearly = now.a_year < _FEW
    paces = [round(phase.a_year / (1 if yearly else 12)) for phase in phases]
    by_person = round(now.by_person_a_year / (1 if yearly else 12))
    period = "a year" if yearly else "a month"
    renewals = "renewal" if paces[0] == 1 else "renewals"
    first = f"Today {paces[0]:,} {renewals} {period}"
    if by_person:
        first += f", {by_person:,} of them by a person"
    then = [f"{pace:,} from {_day(phase.begins)}" for phase, pace in zip(later, paces[1:], strict=True)]
    return f"{first}; {', '.join(then)}." if then else f"{first}, and no cap that we know of changes that."


def _cap_words(caps: Iterable[tuple[Kind, Cap]]) -> list[str]:
    """Kinds with the same cap together: `DigiCert, GlobalSign: at most 99 days`."""
    kinds: dict[int, list[str]] = {}
    for kind, cap in caps:
        kinds.setdefault(cap.days, []).append(str(kind))
    return [f"{', '.join(names)}: at most {days} days" for days, names in kinds.items()]


def _letters(forecast: Forecast) -> list[str]:
    """A letter for each phase but the first, which begins with no cap."""
    return ["", *ascii_uppercase[: len(forecast.phases) - 1]]


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


# ------------------------------------------------------------------ as a picture
def picture(forecast: Forecast) -> Picture:
    """Draw the weeks of a forecast."""
    weeks = forecast.weeks
    top = _top(max(max(week.renewals, week.unchanged) for week in weeks))
    return Picture(
        weeks=len(weeks),
        alone=_bars([(0, week.renewals - week.by_person) for week in weeks], top),
        person=_bars([(week.renewals - week.by_person, week.renewals) for week in weeks], top),
        unchanged=_line([week.unchanged for week in weeks], top),
        caps=[
            Mark(at=_across(phase.begins, weeks), words=letter)
            for letter, phase in zip(_letters(forecast), forecast.phases, strict=True)
            if letter
        ],
        years=[Mark(at=_across(year.begins, weeks), words=str(year.begins.year)) for year in forecast.years[1:]],
        ticks=[Mark(at=_percent(100 - 100 * tick / top), words=f"{tick:,}") for tick in _ticks(top)],
    )


def _top(most: int) -> int:
    """The height of the picture: a round number that the highest bar reaches almost."""
    step = _step(most)
    return max(step * -(-most // step), 1)


def _ticks(top: int) -> range:
    return range(_step(top), top + 1, _step(top))


def _step(most: int) -> int:
    """The least of 1, 2, 5, 10, 20 … of which few make up `most`."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size * _MOST_TICKS >= most:
                return digit * size
        size *= 10


def _bars(heights: Iterable[tuple[int, int]], top: int) -> str:
    """A bar for each pair of from and to that differ."""
    return "".join(
        f"M{week}.1 {_down(low, top)}V{_down(high, top)}h.8V{_down(low, top)}z"
        for week, (low, high) in enumerate(heights)
        if high > low
    )


def _line(heights: Sequence[int], top: int) -> str:
    return f"M0 {_down(heights[0], top)}" + "".join(
        f"V{_down(height, top)}H{week + 1}" for week, height in enumerate(heights)
    )


def _down(count: int, top: int) -> str:
    return f"{100 - 100 * count / top:.4g}"


def _across(day: date, weeks: Sequence[Span]) -> str:
    """How far from the start a day is: its week, and how much of that is over by then."""
    week = max(number for number, week in enumerate(weeks) if week.begins <= day)
    part = (day - weeks[week].begins).days / 7
    return _percent(100 * (week + part) / len(weeks))


def _percent(number: float) -> str:
    return f"{number:.2f}%"
