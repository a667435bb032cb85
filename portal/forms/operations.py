"""Bringing the signed certificate back."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.fields import Lines
from vault.errors import KeyExposed, VaultError
from vault.lifecycle import merging

_KEY_MARK = "PRIVATE KEY-----"


class MergeForm(forms.Form):
    """A paste, a file, or both: then the file counts."""

    certificate = Lines(
        rows=10,
        strip=False,
        label="Paste the certificate",
        required=False,
        help_text="Its text with the line -----BEGIN CERTIFICATE-----, alone or with the CA's chain, in any order.",
    )
    file = forms.FileField(
        label="Or choose the file",
        required=False,
        allow_empty_file=True,
        help_text="A .cer, .crt, .pem, .der, .p7b or .p7c file of at most 1 MB.",
    )
    confirmed = forms.BooleanField(label="Take it all the same", required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for at least one of the two."""
        cleaned = super().clean() or {}
        # A refusal of the text, now or by the vault, takes it out of `cleaned_data`.
        self._pasted = str(cleaned.get("certificate", ""))
        is_given = self._pasted.strip() or cleaned.get("file") is not None
        if not is_given and not self.errors:
            self.add_error("certificate", "There is no certificate yet. Paste it, or choose the file that the CA sent.")
        return cleaned

    @property
    def has_both(self) -> bool:
        """Whether there is a file and a paste, so that the paste is left aside."""
        return self.cleaned_data.get("file") is not None and bool(self._pasted.strip())

    def octets(self) -> bytes:
        """What to merge: the file, else the paste."""
        file = self.cleaned_data.get("file")
        if file is None:
            return self._pasted.encode()
        file.seek(0)
        return bytes(file.read())

    def keep(self) -> None:
        """Let the text area hold all that was sent, so that nothing is lost: the paste, and a file's certificates.

        Raises KeyExposed when a private key is in what was left aside.
        """
        pasted = self._pasted
        if self.cleaned_data.get("file") is not None:
            parts = [_as_pem(self.octets()), _as_pem(pasted.encode()) or pasted]
            pasted = "\n".join(part for part in parts if part.strip())
        self._show("" if _KEY_MARK in pasted else pasted)

    def forget(self) -> None:
        """Empty the text area, because a private key was in it."""
        self._show("")

    def _show(self, text: str) -> None:
        self.data = {**dict(self.data.items()), "certificate": text}


def _as_pem(octets: bytes) -> str:
    try:
        return merging.as_pem(octets) if octets.strip() else ""
    except KeyExposed:
        raise
    except VaultError:
        return ""
