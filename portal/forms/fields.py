"""Form fields that leave the judging of text to the vault, and speak plainly when they refuse."""

from __future__ import annotations

from typing import Any, Self

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from vault.x509.visible import shown


class Card(str):
    """A choice's label with a sentence below it, and perhaps a word or two that stand last."""

    __slots__ = ("hint", "meta")
    hint: str
    meta: str

    def __new__(cls, title: str, hint: str = "", meta: str = "") -> Self:
        card = super().__new__(cls, title)
        card.hint, card.meta = hint, meta
        return card

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: every form copies its choices, and a label never changes."""
        return self


class Text(forms.CharField):
    """Text as it was typed, without surrounding space. What reads it refuses NUL and other control characters.

    `may_be_empty` when the form as a whole decides: the field is then not called optional.
    """

    def __init__(self, *, may_be_empty: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.may_be_empty = may_be_empty
        self.validators = [one for one in self.validators if not isinstance(one, ProhibitNullCharactersValidator)]

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if text else text

    def validate(self, value: Any) -> None:
        if not self.may_be_empty:
            super().validate(value)


class Lines(Text):
    """Several lines of text; `code` sets them in a fixed-width face."""

    def __init__(self, *, rows: int, code: bool = True, **options: Any) -> None:
        look: dict[str, Any] = {"rows": rows, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
        super().__init__(widget=forms.Textarea(attrs=look | ({"data-code": True} if code else {})), **options)


class OneOf(forms.ChoiceField):
    """One of several choices."""

    def __init__(self, *, ask: str, **options: Any) -> None:
        super().__init__(error_messages={"required": ask}, **options)

    def validate(self, value: Any) -> None:
        if value and not self.valid_value(value):
            raise forms.ValidationError(f"“{shown(value)}” is not one of the choices. Choose one that is shown.")
        super().validate(value)


class SomeOf(forms.MultipleChoiceField):
    """Any number of several choices."""

    def validate(self, value: Any) -> None:
        strange = [one for one in value or () if not self.valid_value(one)]
        if strange:
            raise forms.ValidationError(f"“{shown(strange[0])}” is not one of the choices. Choose from those shown.")
        super().validate(value)


class WholeNumber(forms.IntegerField):
    """A whole number from 1 to `most`; None when left empty, whose meaning the form decides."""

    def __init__(self, *, most: int, **options: Any) -> None:
        look = forms.NumberInput(attrs={"inputmode": "numeric"})
        super().__init__(min_value=1, max_value=most, widget=look, **options)
        self.most = most

    def validate(self, value: Any) -> None:
        pass

    def clean(self, value: Any) -> int | None:
        try:
            number: int | None = super().clean(value)
        except forms.ValidationError as error:
            message = f"“{shown(str(value))}” does not fit here. Write a whole number from 1 to {self.most}."
            raise forms.ValidationError(message) from error
        return number
