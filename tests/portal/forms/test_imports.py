from collections.abc import Sequence

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from portal.forms.imports import BulkForm, FilesForm
from tests.pki.authority import make_leaf, make_root
from vault.errors import BadName, BadParameter
from vault.lifecycle.importing import Candidate
from vault.models import Certificate
from vault.x509 import certificates
from vault.x509.chains import Chain
from vault.x509.found import Found, FoundFile


def files_form(text: str = "", password: str = "", files: Sequence[SimpleUploadedFile] = ()) -> FilesForm:
    data = QueryDict(mutable=True)
    data.update({"text": text, "password": password})
    form = FilesForm(data, MultiValueDict({"file": list(files)}))
    form.is_valid()
    return form


def candidate(number: int, name: str) -> Candidate:
    leaf = make_leaf(make_root()).der
    facts = certificates.facts(leaf)
    return Candidate(
        number=number, leaf=leaf, key=None, chain=Chain(), added=(), sources=(), proposed_name=name, facts=facts
    )


def bulk_form(*names: str, taken: str = "", **answers: str) -> BulkForm:
    def namesake(name: str) -> Certificate | None:
        return Certificate(pk=1, name=name) if name == taken else None

    data = QueryDict(mutable=True)
    data.update({f"take-{number}": "on" for number in range(len(names))})
    data.update({f"name-{number}": name for number, name in enumerate(names)})
    data.update(answers)
    form = BulkForm(data, candidates=[candidate(number, name) for number, name in enumerate(names)], namesake=namesake)
    form.is_valid()
    return form


def test_files_come_before_the_paste_which_has_no_name() -> None:
    form = files_form(text="pasted", files=[SimpleUploadedFile("a.pem", b"one"), SimpleUploadedFile("b.pem", b"two")])

    assert [(one.name, one.content) for one in form.sent()] == [("a.pem", b"one"), ("b.pem", b"two"), ("", b"pasted")]


def test_a_password_keeps_its_spaces_and_none_is_none() -> None:
    assert files_form("x", password=" two words ").password_given() == " two words "
    assert files_form("x").password_given() is None


@pytest.mark.parametrize(
    ("found", "is_kept"),
    [
        (Found(files=(FoundFile(looks_like="HTML"),)), True),
        (Found(files=(FoundFile(holds_private_key=True),)), False),
        (None, False),
    ],
)
def test_a_paste_is_kept_only_when_it_is_known_to_hold_no_key(found: Found | None, is_kept: bool) -> None:
    form = files_form("the paste", password="secret")

    form.keep(found)

    assert (form["text"].value() == "the paste") == is_kept
    assert not form["password"].value()


def test_a_paste_that_says_private_key_is_never_kept_whatever_the_reader_made_of_it() -> None:
    form = files_form("-----begin private key-----")

    form.keep(Found())

    assert not form["text"].value()


def test_a_refusal_stands_beside_what_it_is_about() -> None:
    form = files_form("x")

    form.refuse(BadParameter("It holds a control character.", field="password"))
    form.refuse(BadParameter("Too large.", field="file"))

    assert form.errors == {"password": ["It holds a control character."], "file": ["Too large."]}


def test_each_of_many_has_its_own_name() -> None:
    form = bulk_form("one", "ONE", "not a name")

    assert set(form.errors) == {"name-1", "name-2"}
    assert BadName.__name__ not in str(form.errors)


def test_a_name_that_exists_is_taken_only_for_new_versions() -> None:
    assert set(bulk_form("one", "two", taken="two").errors) == {"name-1"}
    assert bulk_form("one", "two", taken="two", new_versions="on").names() == {0: "one", 1: "two"}


def test_what_is_not_ticked_needs_no_name() -> None:
    form = bulk_form("one", "two", **{"take-1": "", "name-1": "not a name"})

    assert form.names() == {0: "one"}
