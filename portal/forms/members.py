"""Making someone a member, and changing what they are."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from portal.forms.fields import Card
from portal.forms.lines import LineField
from portal.forms.vaults import person_of
from portal.models import Role, User

IN_WORDS: Final = {
    Role.REQUESTER: "Asks for certificates and manages their own, nobody else's.",
    Role.READER: "Sees all certificates, changes nothing, opens no private key.",
    Role.OFFICER: "Manages all certificates and opens their private keys, but purges nothing.",
    Role.ADMINISTRATOR: "Does what an officer does, and also purges and decides on members and settings.",
    Role.AUDITOR: "Reads the audit trail and the list of members, nothing else.",
}
_CARDS = [(role.value, Card(role.label, hint)) for role, hint in IN_WORDS.items()]


class RoleForm(forms.Form):
    """A role."""

    role = forms.ChoiceField(
        label="Role",
        choices=_CARDS,
        widget=forms.RadioSelect,
        error_messages={"required": "Pick a role.", "invalid_choice": "There is no such role. Pick one of these."},
    )

    def clean_role(self) -> Role:
        """Return the role itself."""
        return Role(self.cleaned_data["role"])


class MemberForm(RoleForm):
    """A person or, where the portal has groups, a group; and a role."""

    person = LineField(
        label="Person or application",
        required=False,
        max_length=254,
        help_text="User name, e-mail address, or the name of an application. Or pick a group below.",
        error_messages={"required": "Say who is to become a member."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    group = forms.ModelChoiceField(
        label="Group",
        required=False,
        queryset=Group.objects.order_by("name"),
        empty_label="No group",
        error_messages={"invalid_choice": "There is no such group any more. Pick another."},
    )
    field_order = ("person", "group", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not Group.objects.exists():
            del self.fields["group"]
            self.fields["person"].required = True
            self.fields["person"].help_text = "User name, e-mail address, or the name of an application."

    def clean_person(self) -> User | None:
        """Find the person, if one is named."""
        text = self.cleaned_data["person"]
        return person_of(text, applications=True) if text else None

    def clean(self) -> None:
        """Require one of person and group, not both."""
        person, group = self.cleaned_data.get("person"), self.cleaned_data.get("group")
        if person and group:
            self.add_error("group", ValidationError("Give either a person or a group, not both.", code="both"))
        elif not person and not group and not self.errors:
            self.add_error("person", ValidationError("Say who is to become a member.", code="required"))

    @property
    def member(self) -> User | Group:
        """Who is to become a member, once the form is valid."""
        chosen: User | Group = self.cleaned_data.get("person") or self.cleaned_data["group"]
        return chosen
