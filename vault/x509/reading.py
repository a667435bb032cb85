"""Reading what a person pastes or uploads: a file, or the files in a ZIP archive.

Runs in the parsing child: nothing here may import Django, settings or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vault.x509 import recognising
from vault.x509.collecting import Collection, shown_name
from vault.x509.counting import Budget
from vault.x509.finding import Finder
from vault.x509.found import FoundFile, Upload
from vault.x509.library import is_refusal

if TYPE_CHECKING:
    from vault.x509.archives import Member

UNREADABLE = "This file cannot be read. Export it again, as PEM or PFX."


def _nothing() -> None:
    """Begin a file where nobody counts its time."""


def read_upload(
    upload: Upload, *, password: str | None, budget: Budget, begin: Callable[[], None] = _nothing
) -> Iterator[FoundFile]:
    """Read one file; a ZIP gives one answer per member. Never raises for what is in it.

    `begin` is called before each of them: the child lifts its limit on processor time there.
    """
    begin()
    if not recognising.is_zip(upload.content):
        yield read_file(upload.name, upload.content, password=password, budget=budget)
        return
    from vault.x509 import archives  # costs ten milliseconds, and most files are no archives

    try:
        for member in archives.members(upload.content):
            begin()
            yield _read_member(_joined(upload.name, member.name), member, password=password, budget=budget)
    except archives.BadArchive as error:
        yield FoundFile(name=shown_name(upload.name), looks_like=recognising.ZIP, refusal=str(error))


def read_whatever(
    upload: Upload, *, password: str | None, budget: Budget, begin: Callable[[], None] = _nothing
) -> Iterator[FoundFile]:
    """As `read_upload`, and even a mistake in here costs this file only, not the others of the upload."""
    try:
        yield from read_upload(upload, password=password, budget=budget, begin=begin)
    except BaseException as error:
        if not isinstance(error, Exception) and not is_refusal(error):
            raise
        yield FoundFile(name=shown_name(upload.name), looks_like="a file", refusal=UNREADABLE)


def read_file(name: str, content: bytes, *, password: str | None, budget: Budget) -> FoundFile:
    """Everything in one file: PEM, DER and BER, PKCS#7, PFX, and base64 of any of these, up to three times over."""
    collection = Collection()
    Finder(collection, password=password, budget=budget).read(content)
    return collection.result(name)


def _read_member(name: str, member: Member, *, password: str | None, budget: Budget) -> FoundFile:
    refusal = member.refusal
    if recognising.is_zip(member.content):
        refusal = "This is a ZIP archive inside another one. Unpack it, and send the files themselves."
    if refusal:
        return FoundFile(name=shown_name(name), looks_like=recognising.ZIP, refusal=refusal)
    return read_file(name, member.content, password=password, budget=budget)


def _joined(archive: str, member: str) -> str:
    return f"{archive}/{member}" if archive else member
