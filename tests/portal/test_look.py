"""The templates' filters, and rules that every template, style sheet and script keeps."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.conf import settings

from portal.templatetags.look import initials, relative, wire_time

pytestmark = pytest.mark.no_database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STATIC = settings.BASE_DIR / "static"
PAGES = [path for path in TEMPLATES if "emails" not in path.parts]


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=44), "in a moment"),
        (timedelta(0), "just now"),
        (timedelta(seconds=-44), "just now"),
        (timedelta(seconds=-45), "1 minute ago"),
        (timedelta(minutes=-119), "1 hour ago"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(days=-6, hours=-23), "6 days ago"),
        (timedelta(hours=47), "in 47 hours"),
        (timedelta(days=13), "in 13 days"),
        (timedelta(days=90), "in 90 days"),
        (timedelta(days=199), "in 6 months"),
        (timedelta(days=90, seconds=-1), "in 90 days"),
        (timedelta(days=365, seconds=-1), "in 12 months"),
        (timedelta(days=366), "in 12 months"),
        (timedelta(days=800), "in 2 years"),
    ],
)
def test_a_moment_is_told_in_a_fitting_unit(away: timedelta, words: str) -> None:
    assert relative(NOW + away, NOW) == words


def test_a_time_is_written_in_utc_for_machines() -> None:
    at = datetime(2026, 11, 23, 14, 5, 6, 789, tzinfo=timezone(timedelta(hours=2)))

    assert wire_time(at) == "2026-11-23T12:05:06Z"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("grace.brewster.hopper", "GH"),
        ("alan", "A"),
        ("Émile Zola", "ÉZ"),
        ("…", "?"),
        ("", "?"),
    ],
)
def test_initials_are_the_first_letters_of_the_first_and_last_word(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(settings.BASE_DIR / "templates").as_posix())
def test_a_template_has_nothing_inline_that_the_content_security_policy_refuses(page: Path) -> None:
    text = page.read_text()

    assert not re.search(
        r"""<style|\sstyle=|\son[a-z]+=|hx-on|=.javascript:|<script(?![^>]*\ssrc=)""", text, re.IGNORECASE
    )


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))
    text = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r'components/icon\.html"\s+with\s+name="([^"]+)"', text))
    named |= set(re.findall(r'(?:icons\.svg\' %}|\{\{ icons }})#([\w-]+)"', text))
    named |= set(re.findall(r'\bicon="([^"]+)"', text))

    assert named - known == set()


def test_every_style_sheet_and_script_is_linked() -> None:
    linked = (settings.BASE_DIR / "templates/components/assets.html").read_text()
    ours = [path.relative_to(STATIC).as_posix() for kind in ("css", "js") for path in STATIC.rglob(f"*.{kind}")]

    assert [name for name in ours if f"'{name}'" not in linked] == []


def test_no_style_sheet_reaches_for_data_or_another_host() -> None:
    sheets = [path.read_text() for path in STATIC.rglob("*.css")]

    assert not [text for text in sheets if re.search(r"data:|https?:|@import", text)]
