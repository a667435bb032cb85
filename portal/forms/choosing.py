"""Choosing one of a vault's people from a list of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from django import forms

from portal.models import User

# A vault with more people than these offers the first by name.
MOST: Final = 500


class PersonField(forms.ChoiceField):
    """One of some people, by their names; the user name is added where two have the same."""

    def __init__(self, *, nobody: str, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self._nobody = nobody
        self._people: dict[str, User] = {}

    def offer(self, people: Iterable[User]) -> None:
        """Let these be chosen from, in this order."""
        self._people = {str(person.pk): person for person in people}
        many = Counter(person.title for person in self._people.values())
        titles = [
            (key, f"{person.title} ({person.username})" if many[person.title] > 1 else person.title)
            for key, person in self._people.items()
        ]
        self.choices = [("", self._nobody), *titles]

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to choose."""
        return not self._people

    def clean(self, value: object) -> User | None:
        """Return the person, or None."""
        return self._people.get(super().clean(value))
