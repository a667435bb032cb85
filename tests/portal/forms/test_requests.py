from typing import Any

import pytest
from django.http import QueryDict

from portal.forms.requests import RequestForm, Start
from tests.factories import make_policy
from vault.errors import NameTaken
from vault.models import Certificate, Vault
from vault.models.policy import AlternativeNames

from .test_policy import sent

PLACE = Vault(pk=1, name="payments")


def free(name: str) -> Certificate | None:
    return None


def form_of(start: Start | None = None, *, namesake: Any = free, **changes: Any) -> RequestForm:
    data = sent((start or Start()).policy, **changes)
    return RequestForm(data, vault=PLACE, start=start or Start(), namesake=namesake)


def refusal(name: str) -> Certificate | None:
    raise NameTaken(f"The name “{name}” is taken.")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"names": "www.example.org b.example"}, "www-example-org"),
        ({"names": "*.example.org"}, "wildcard-example-org"),
        ({"names": "192.0.2.1"}, "192-0-2-1"),
        ({"names": "", "subject": "CN=Alice Example, O=Example"}, "Alice-Example"),
        ({"names": "www.example.org", "name": "Shop"}, "Shop"),
        ({"names": "www.example.org", "name": "x" * 127}, "x" * 127),
    ],
)
def test_the_certificate_name_is_the_one_given_or_follows_from_the_names(changes: dict[str, str], name: str) -> None:
    form = form_of(**changes)

    assert form.is_valid(), form.errors
    assert form.order().name == name


@pytest.mark.parametrize("name", ["a b", "x" * 128, "a_b", "ä", "a\0", "<script>", "-\u202e", "a/b", "x" * 100_000])
def test_what_cannot_be_a_certificate_name_is_refused(name: str) -> None:
    form = form_of(names="www.example.org", name=name)

    assert list(form.errors) == ["name"]
    assert "cannot be a certificate's name" in form.errors["name"][0]


def test_a_taken_name_that_nobody_typed_says_where_it_comes_from() -> None:
    form = form_of(names="www.example.org", namesake=refusal)

    assert form.errors["name"] == [
        "The name “www-example-org” is taken. The name “www-example-org” was taken from your names."
    ]


def test_the_name_of_a_next_version_cannot_be_changed() -> None:
    start = Start(policy=make_policy(), name="shop", certificate="shop")

    form = form_of(start, name="other", certificate="shop")

    assert form.is_valid(), form.errors
    assert form.order().name == "shop"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("\n".join(f"t{number}=1" for number in range(16)), "16 tags"),
        ("=x", "no name"),
        ("a=1\na=2", "given twice"),
        ("a=" + "x" * 513, "at most 512"),
        ("x" * 100_000, "at most 512"),
        ("a=\0", "control character"),
        ("a=\u202e", "control character"),
    ],
)
def test_tags_past_their_limits_are_refused(tags: str, words: str) -> None:
    form = form_of(names="www.example.org", tags=tags)

    assert list(form.errors) == ["tags"]
    assert words in form.errors["tags"][0]


def test_tags_that_nobody_touched_stay_as_they_are() -> None:
    tags = {" a ": " b ", "c=d": "e", "f\\": ""}
    start = Start(policy=make_policy(), tags=tags)

    form = RequestForm(vault=PLACE, start=start, namesake=free)
    again = form_of(start, tags=form["tags"].value(), name="x")

    assert again.is_valid(), again.errors
    assert again.order().tags == tags


def test_answers_are_sent_again_as_they_came_but_for_the_submission() -> None:
    form = form_of(names="b.example\na.example", key_usage=["cRLSign", "keyAgreement"], submission="x", strange="y")

    answers = form.answers()

    assert ("names", "b.example\r\na.example") in answers
    assert [value for name, value in answers if name == "key_usage"] == ["cRLSign", "keyAgreement"]
    assert not {"submission", "strange"} & {name for name, _ in answers}


def test_a_submission_that_is_no_uuid_is_refused() -> None:
    form = form_of(names="www.example.org", submission="1")

    assert list(form.errors) == ["submission"]


def test_the_proposed_name_is_empty_while_there_are_no_names() -> None:
    form = RequestForm(QueryDict(), vault=PLACE, start=Start(), namesake=free)

    assert not form.is_valid()
    assert not form.proposed_name


def test_a_name_that_cannot_be_written_counts_for_the_order() -> None:
    policy = make_policy(names=AlternativeNames(uris=("https://example.org/a,b",)), subject="CN=a")

    form = form_of(Start(policy=policy), name="x")

    assert form.is_valid(), form.errors
    assert form.order().policy.names == policy.names
