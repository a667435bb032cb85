"""File fields that take several files at once, and what the vault's reader is handed of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from vault.x509.found import Upload
from vault.x509.visible import display

LONGEST_NAME = 200


class FileInput(forms.FileInput):
    """A file input that takes several files at once; by its name, the templates know it for a file input."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ARG002 - Django's signature
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class Files(forms.FileField):
    """Any number of files; empty ones are the reader's to judge. Cleans to a list."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=FileInput(attrs={"multiple": True}), allow_empty_file=True, **options)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list) else [data] if data else []
        return [super(Files, self).clean(one, initial) for one in given]


def uploads(files: Iterable[UploadedFile], pasted: str) -> list[Upload]:
    """What there is to read: the files under their names, then the paste, unless it is blank, without one."""
    given = [Upload(name=_name_of(file), content=_octets_of(file)) for file in files]
    return [*given, Upload(content=pasted.encode())] if pasted.strip() else given


def _name_of(file: UploadedFile) -> str:
    return display((file.name or "file")[:LONGEST_NAME])


def _octets_of(file: UploadedFile) -> bytes:
    file.seek(0)
    return bytes(file.read())
