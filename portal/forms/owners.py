"""Who answers for a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.forms.choosing import PersonField
from portal.models import User
from vault.errors import BadParameter

_GONE = {"invalid_choice": "They are no member of this vault any more. Choose someone else."}


class OwnersForm(forms.Form):
    """Owner and deputy: members of the vault."""

    owner = PersonField(
        label="Owner",
        required=False,
        nobody="Nobody",
        help_text="Hears first of what comes up. Whoever has the role Requester manages what they own.",
        error_messages=_GONE,
    )
    deputy = PersonField(
        label="Deputy",
        required=False,
        nobody="Nobody",
        help_text="Hears of what the owner leaves unanswered as the end comes near.",
        error_messages=_GONE,
    )

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("owner", "deputy"):
            self.fields[name].offer(people)  # type: ignore[attr-defined]

    def refuse(self, error: BadParameter) -> None:
        """Show what the vault refused, at its field."""
        self.add_error(error.field if error.field in self.fields else None, str(error))
