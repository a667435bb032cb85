"""Changing a certificate's tags."""

from __future__ import annotations

from django import forms

from portal.forms.fields import Lines
from portal.forms.texts import read_tags
from vault import policies
from vault.errors import BadParameter


class TagsForm(forms.Form):
    """All tags of a certificate, one a line."""

    tags = Lines(rows=6, label="Tags", required=False, help_text="One a line, like team=payments. At most 15.")

    def clean_tags(self) -> dict[str, str]:
        """Read the lines as tags. Without the field, as in a request cut short, they are not there to be replaced."""
        if "tags" not in self.data:
            raise forms.ValidationError("The tags did not arrive. Send them again.", code="missing")
        try:
            tags = read_tags(self.cleaned_data["tags"])
            policies.check_tags(tags)
        except BadParameter as error:
            raise forms.ValidationError(str(error), code="bad_tags") from error
        return tags
