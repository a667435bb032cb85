"""The form with which someone asks for a certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict

from portal.forms import texts
from portal.forms.fields import Lines, Text
from portal.forms.initial import FRESH
from portal.forms.policy import PolicyForm
from vault import policies
from vault.errors import BadParameter, VaultError
from vault.lifecycle import issuing
from vault.models import Certificate, Vault
from vault.models.policy import Policy
from vault.x509.names import propose_certificate_name
from vault.x509.visible import shown

# Finds the certificate of which a request for a name makes a new version; None when the name is free.
Namesake = Callable[[str], Certificate | None]


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a request begins with: nothing, an earlier request (`again`), or a certificate whose next version it is."""

    policy: Policy = FRESH
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    again: str = ""
    certificate: str = ""


class RequestForm(PolicyForm):
    """A policy, the certificate's name and tags; `submission` makes sending twice the same as sending once."""

    name = Text(
        label="Certificate name",
        required=False,
        help_text="What it is called in this vault. Left empty, it is taken from the first name: www-example-org.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
    )
    tags = Lines(label="Tags", rows=3, required=False, help_text="One a line, like team=payments. At most 15.")
    submission = forms.UUIDField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": "This page was sent incompletely. Check your answers and send it again."},
    )
    again = Text(required=False, widget=forms.HiddenInput)
    certificate = Text(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, vault: Vault, start: Start, namesake: Namesake, **options: Any
    ) -> None:
        initial = {
            "name": start.name,
            "tags": texts.write_tags(start.tags),
            "again": start.again,
            "certificate": start.certificate,
        }
        super().__init__(data, vault=vault, base=start.policy, initial=initial, **options)
        self.start, self.namesake = start, namesake
        self.holder: Certificate | None = None
        self.name_is_proposed = False

    @property
    def proposed_name(self) -> str:
        """The certificate name that follows from the names given; empty while there are none."""
        names = self.read.names if self.read else None
        return propose_certificate_name(names) if names else ""

    def order(self) -> issuing.Order:
        """What a valid form asks for."""
        data = self.cleaned_data
        return issuing.Order(
            name=data["name"],
            policy=self.policy(),
            tags=data["tags"],
            submission=data["submission"],
            holder=self.holder.pk if self.holder else 0,
        )

    def answers(self) -> list[tuple[str, str]]:
        """As sent, but for the submission: each page of answers gets its own."""
        return [(name, value) for name, value in super().answers() if name != "submission"]

    def clean_tags(self) -> dict[str, str]:
        if not self._touched("tags"):
            return self.start.tags
        try:
            tags = texts.read_tags(self.cleaned_data["tags"])
            policies.check_tags(tags)
        except BadParameter as error:
            raise forms.ValidationError(str(error)) from error
        return tags

    def clean(self) -> None:
        super().clean()
        name = self.start.certificate or self.cleaned_data.get("name", "")
        if not name and "names" in self.cleaned_data:
            proposed = self.proposed_name or texts.name_of_subject(self.cleaned_data.get("subject", ""))
            name, self.name_is_proposed = proposed, True
        if name and "name" not in self.errors:
            self._find_holder(name)
            self.cleaned_data["name"] = name

    def _find_holder(self, name: str) -> None:
        try:
            issuing.check_name(name)
            self.holder = self.namesake(name)
        except VaultError as error:
            self.refuse_name(error, name)

    def refuse_name(self, error: VaultError, name: str) -> None:
        """Say beside the certificate name what is wrong with it, and where it comes from if nobody typed it."""
        proposed = f" The name “{shown(name)}” was taken from your names." if self.name_is_proposed else ""
        self.add_error("name", f"{error}{proposed}")
        self.refusal = error
