"""Bringing what a CA answered: pasted, as files, or both."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.fields import Lines
from portal.forms.files import Files, uploads
from portal.forms.pastes import is_harmless
from vault.errors import VaultError
from vault.x509 import certificates, parsing
from vault.x509.found import Found


class AnswerForm(forms.Form):
    """A paste, files, or both: all of it is read together."""

    use_required_attribute = False
    certificate = Lines(
        rows=10,
        strip=False,
        label="Paste the certificate",
        required=False,
        help_text="Its text with the line -----BEGIN CERTIFICATE-----, alone or with the CA's chain, in any order. "
        "A whole e-mail will do.",
    )
    file = Files(
        label="Or choose the files",
        required=False,
        help_text="One or several: .cer, .crt, .pem, .der, .p7b, or a ZIP of such files. At most 1 MB together.",
    )
    found: Found | None = None

    def clean(self) -> dict[str, Any]:
        """Ask for at least one of the two."""
        cleaned = super().clean() or {}
        # A refusal of the text, now or by the vault, takes it out of `cleaned_data`.
        self._pasted = str(cleaned.get("certificate", ""))
        if not self.errors and not self._pasted.strip() and not cleaned.get("file"):
            message = "There is no certificate yet. Paste it, or choose the files that the CA sent."
            self.add_error("certificate", message)
        return cleaned

    def read(self) -> Found:
        """Read what was sent. Raises BadParameter, TooMany."""
        self.found = parsing.read_files(uploads(self.cleaned_data.get("file", ()), self._pasted))
        return self.found

    def refuse(self, refusal: VaultError) -> None:
        """Show the form again with the reason, and in the text area all that was sent, unless a key may be in it.

        A file's certificates become text, so that they need not be chosen again.
        """
        self.add_error("certificate", str(refusal))
        self.keep()

    def keep(self) -> None:
        """Let the text area hold the paste and the files' certificates; nothing, if a private key may be in it."""
        parts = [self._pasted, *self._from_files()] if is_harmless(self._pasted, self.found) else []
        text = "\n".join(part for part in parts if part.strip()) if len(parts) > 1 else "".join(parts)
        self.data = {**dict(self.data.items()), "certificate": text}

    def _from_files(self) -> list[str]:
        files = self.found.files if self.found else ()
        pasted = {der for file in files if not file.name for der in file.certificates}
        named = dict.fromkeys(der for file in files if file.name for der in file.certificates)
        return [certificates.pem(der) for der in named if der not in pasted]


class MergeForm(AnswerForm):
    """The answer to one request; `confirmed` takes the certificate that `about` (SHA-256) tells although names lack."""

    confirmed = forms.BooleanField(label="Take it all the same", required=False)
    about = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    @property
    def taken(self) -> str:
        """The certificate that is taken although names lack; empty: none."""
        return str(self.cleaned_data["about"]) if self.cleaned_data["confirmed"] else ""

    def ask_about(self, mark: str) -> None:
        """Show the form again and ask whether the certificate of this SHA-256 is taken."""
        self.keep()
        self.data = {**self.data, "about": mark, "confirmed": ""}
