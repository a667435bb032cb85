"""What a browser without JavaScript would send for a form on a page."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

Answers = dict[str, list[str]]


def answers_on(page: HttpResponse, *, within: str = "main") -> Answers:
    """The names and values of all successful controls within the element `within`; neither buttons nor the CSRF token."""
    reader = _Reader(within)
    reader.feed(page.content.decode())
    reader.answers.pop("csrfmiddlewaretoken", None)
    return reader.answers


def changed(answers: Answers, **changes: Any) -> Answers:
    """The answers with some of them replaced; None leaves one out."""
    others: Mapping[str, Any] = {**answers, **changes}
    return {
        name: value if isinstance(value, list) else [str(value)] for name, value in others.items() if value is not None
    }


class _Reader(HTMLParser):
    def __init__(self, within: str) -> None:
        super().__init__()
        self.answers: Answers = {}
        self._within, self._inside = within, False
        self._area = self._select = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        self._inside = self._inside or tag == self._within
        if not self._inside:
            return
        if tag == "input" and "name" in facts:
            self._input(facts)
        elif tag == "textarea":
            self._area, self._text = facts["name"], []
        elif tag == "select":
            self._select = facts["name"]
        elif tag == "option" and ("selected" in facts or self._select not in self.answers):
            self.answers[self._select] = [facts["value"]]

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = "".join(self._text).replace("\r\n", "\n").removeprefix("\n")
            self.answers.setdefault(self._area, []).append(text.replace("\n", "\r\n"))
            self._area = ""
        self._inside = self._inside and tag != self._within

    def _input(self, facts: dict[str, str]) -> None:
        is_choice = facts.get("type") in {"checkbox", "radio"}
        if is_choice and "checked" not in facts:
            return
        self.answers.setdefault(facts["name"], []).append(facts.get("value", "on" if is_choice else ""))
