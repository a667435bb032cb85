"""Keeping a filter under a name."""

from __future__ import annotations

from typing import Final

from django import forms

from portal.models import SavedView, User

MOST_VIEWS: Final = 50


class SaveViewForm(forms.Form):
    """The name of a view of `user`; one that they have already stands for the new filter from then on."""

    name = forms.CharField(
        max_length=60,
        label="Name of the view",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the view a name."},
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._user = user

    def clean_name(self) -> str:
        """Refuse one view too many."""
        name: str = self.cleaned_data["name"]
        if SavedView.objects.filter(user=self._user).exclude(name=name).count() >= MOST_VIEWS:
            message = f"You keep {MOST_VIEWS} views already. Remove one that you do not need any more."
            raise forms.ValidationError(message, code="too_many")
        return name

    def keep(self, query: str) -> SavedView:
        """Keep the filter of this query under the name."""
        name = self.cleaned_data["name"]
        return SavedView.objects.update_or_create(user=self._user, name=name, defaults={"query": query})[0]
