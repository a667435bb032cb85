"""Answering a notice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from portal.forms.choosing import PersonField
from portal.models import User

_DAYS: Final = {1: "Tomorrow", 3: "In 3 days", 7: "In a week", 14: "In two weeks", 30: "In 30 days"}
_TOO_LATE: Final = "A reminder then would come too late. Choose an earlier day."


class SnoozeForm(forms.Form):
    """When to be told again: before `until`, the moment of which the notice speaks; tomorrow always can be chosen."""

    days = forms.TypedChoiceField(
        label="Remind me", coerce=int, error_messages={"required": "Choose a day.", "invalid_choice": _TOO_LATE}
    )

    def __init__(self, *args: Any, until: datetime | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        left = (until - timezone.now()) if until else timedelta(days=max(_DAYS) + 1)
        fitting = [(days, words) for days, words in _DAYS.items() if days == 1 or timedelta(days=days) < left]
        self.fields["days"].choices = fitting  # type: ignore[attr-defined]


class HandOverForm(forms.Form):
    """Who is to see to it instead, and, where one may decide that, whether for good."""

    person = PersonField(
        label="To whom",
        nobody="Choose someone",
        error_messages={"required": "Choose someone.", "invalid_choice": "They cannot be chosen any more."},
    )
    owner = forms.BooleanField(
        label="Also make them the owner", required=False, help_text="They hear of this certificate first from now on."
    )

    def __init__(self, *args: Any, people: Iterable[User], may_change_owner: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(people)  # type: ignore[attr-defined]
        if not may_change_owner:
            del self.fields["owner"]
