"""Bringing certificates with their keys: the files, then what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from portal.forms import texts
from portal.forms.fields import Lines, Text
from portal.forms.files import Files, uploads
from portal.forms.pastes import is_harmless
from portal.forms.policy import PolicyForm
from portal.forms.requests import Namesake
from vault import policies
from vault.errors import BadParameter, VaultError
from vault.lifecycle import issuing
from vault.lifecycle.importing import Candidate, ImportOrder
from vault.models import Certificate, Draft, Vault
from vault.models.policy import Policy
from vault.x509.found import Found, Upload
from vault.x509.visible import shown

_PLAIN = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}


class FilesForm(forms.Form):
    """Files, a paste or both, and the password that opens them. Neither a key nor a password goes back into a page.

    `held` is the draft with files that were sent before and wait for their password.
    """

    use_required_attribute = False
    file = Files(
        label="Choose files",
        required=False,
        help_text="One or several: PFX or P12, PEM, CRT, CER, KEY, P7B, or a ZIP of such files. 1 MB together at most.",
    )
    text = Lines(
        label="Or paste the text",
        rows=7,
        strip=False,
        required=False,
        help_text="Certificate, chain and private key, in any order and with any text around them.",
    )
    password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        help_text="Of the PFX file or of the encrypted key, if there is one. It is used once and not kept.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    held = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask for files, unless some are held."""
        cleaned = super().clean() or {}
        # A refusal of the text takes it out of `cleaned_data`.
        self._pasted = str(cleaned.get("text", ""))
        if not self.errors and not self.sent() and not cleaned.get("held"):
            self.add_error("file", "There is nothing to import yet. Choose the files, or paste their text.")
        return cleaned

    def sent(self) -> list[Upload]:
        """What there is to read."""
        return uploads(self.cleaned_data.get("file", ()), self._pasted)

    def password_given(self) -> str | None:
        """The password; None when none was typed."""
        return self.cleaned_data.get("password") or None

    def refuse(self, error: VaultError) -> None:
        """Put what the reader refuses beside the field it is about."""
        field = "password" if getattr(error, "field", None) == "password" else "file"
        self.add_error(field, str(error))

    def keep(self, found: Found | None = None, *, held: Draft | None = None) -> None:
        """Before the page is shown again: keep the paste only when it is known to hold no private key."""
        text = self._pasted if is_harmless(self._pasted, found) and held is None else ""
        self.data = {"text": text, "password": "", "held": held.id.hex if held else ""}


class ImportForm(PolicyForm):
    """What one certificate is called here, and the policy of its next versions.

    `fixed` is the certificate of which this is a new version, when that was chosen beforehand. `consequence` is the
    code of the consequence that the page showed: whoever confirms has seen what follows.
    """

    name = Text(
        label="Certificate name",
        may_be_empty=True,
        help_text="What it is called in this vault, like www-example-org.",
        widget=forms.TextInput(_PLAIN),
    )
    tags = Lines(label="Tags", rows=3, required=False, help_text="One a line, like team=payments. At most 15.")
    archive = forms.BooleanField(
        label="Archive only",
        required=False,
        help_text="Kept for the record and disabled: its private key cannot be downloaded until someone enables it.",
    )
    consequence = Text(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        vault: Vault,
        candidate: Candidate,
        policy: Policy,
        fixed: Certificate | None,
        namesake: Namesake,
    ) -> None:
        self.candidate, self.fixed, self.namesake = candidate, fixed, namesake
        self.tags_before = fixed.tags if fixed else {}
        initial = {
            "name": fixed.name if fixed else candidate.proposed_name,
            "tags": texts.write_tags(self.tags_before),
        }
        super().__init__(data, vault=vault, base=policy, initial=initial)
        self.holder: Certificate | None = fixed
        if not candidate.is_expired:
            del self.fields["archive"]

    @property
    def policy_so_far(self) -> Policy | None:
        """The policy as it stands in the form, complete and checked; None while something in the form is wrong."""
        return self._policy

    def order(self) -> ImportOrder:
        """What a valid form asks for."""
        data = self.cleaned_data
        return ImportOrder(
            name=data["name"],
            policy=self.policy(),
            tags=data["tags"],
            archive=data.get("archive", False),
            holder=self.holder.pk if self.holder else 0,
        )

    def clean_tags(self) -> dict[str, str]:
        """The tags; untouched, those of the certificate."""
        if not self._touched("tags"):
            return self.tags_before
        try:
            tags = texts.read_tags(self.cleaned_data["tags"])
            policies.check_tags(tags)
        except BadParameter as error:
            raise forms.ValidationError(str(error)) from error
        return tags

    def clean_name(self) -> str:
        """The name, free or of a certificate that the person may import into."""
        if self.fixed:
            return self.fixed.name
        name: str = self.cleaned_data["name"]
        try:
            self.holder = find_holder(name, self.namesake)
        except VaultError as error:
            raise forms.ValidationError(str(error)) from error
        return name

    def clean_archive(self) -> bool:
        """An expired certificate is kept for the record or not at all."""
        if not self.cleaned_data["archive"]:
            raise forms.ValidationError(
                "The certificate has expired. Tick “Archive only” to keep it for the record, or send the current one."
            )
        return True


class BulkForm(forms.Form):
    """Several certificates at once: which of them, and under which names."""

    use_required_attribute = False
    new_versions = forms.BooleanField(
        label="Where a name exists, import as its next version",
        help_text="With its policy for what is not in the certificate. Otherwise only new names are taken.",
        required=False,
    )

    def __init__(self, data: QueryDict | None = None, *, candidates: Sequence[Candidate], namesake: Namesake) -> None:
        super().__init__(data)
        self.candidates, self.namesake = candidates, namesake
        for one in candidates:
            title = one.proposed_name
            self.fields[f"take-{one.number}"] = forms.BooleanField(
                label=f"Import {title}", required=False, initial=True
            )
            name = Text(label=f"Name for {title}", may_be_empty=True, initial=title, widget=forms.TextInput(_PLAIN))
            self.fields[f"name-{one.number}"] = name

    def names(self) -> dict[int, str]:
        """The name that each chosen candidate shall have, by its number."""
        data = self.cleaned_data
        return {one.number: data.get(f"name-{one.number}", "") for one in self.candidates if data[f"take-{one.number}"]}

    def clean(self) -> dict[str, Any]:
        """Each name once, and free unless new versions are asked for."""
        cleaned = super().clean() or {}
        names = self.names()
        if not names:
            self.add_error(None, "Nothing is chosen. Tick the certificates to import.")
        seen: set[str] = set()
        for number, name in names.items():
            problem = self._problem(number, name, seen)
            seen.add(name.lower())
            if problem:
                self.add_error(f"name-{number}", problem)
        return cleaned

    def _problem(self, number: int, name: str, seen: set[str]) -> str:
        if name.lower() in seen:
            return f"“{shown(name)}” stands here twice. Give each certificate its own name."
        try:
            holder = find_holder(name, self.namesake)
        except VaultError as error:
            return str(error)
        if holder is None or self.cleaned_data["new_versions"]:
            return ""
        if number not in self._stored_in(holder):  # else a run that was cut short has done this one
            return f"“{holder}” exists. Choose another name, or allow new versions below."
        return ""

    def _stored_in(self, holder: Certificate) -> set[int]:
        """The numbers of the candidates that are versions of a certificate already."""
        prints = {one.facts.thumbprint_sha256: one.number for one in self.candidates}
        known = holder.versions.filter(thumbprint_sha256__in=prints).values_list("thumbprint_sha256", flat=True)
        return {prints[one] for one in known}


def find_holder(name: str, namesake: Namesake) -> Certificate | None:
    """Return the certificate that an import gives a new version; None for a free name. Raises BadName, NameTaken."""
    issuing.check_name(name)
    return namesake(name)
