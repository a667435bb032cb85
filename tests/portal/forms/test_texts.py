import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.forms.texts import join_names, read_tags, usual_subject, write_names, write_tags
from vault.errors import BadParameter
from vault.models.policy import AlternativeNames
from vault.x509.names import parse_subject, read_names

pytestmark = pytest.mark.no_database

EVERY_KIND = AlternativeNames(
    dns=("www.example.org", "*.example.org", "xn--mnchen-3ya.example", "localhost"),
    emails=("alice@example.org", "o'brien+tag@example.org"),
    upns=("alice@corp.example", "jürgen@corp.example"),
    uris=("https://example.org/a?b=c", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "spiffe://example.org/web"),
    ips=("192.0.2.1", "2001:db8::1"),
)


def test_names_of_every_kind_are_read_back_as_they_were_written() -> None:
    text, unwritable = write_names(EVERY_KIND)

    read = read_names(text)

    assert (read.names, read.problems, unwritable) == (EVERY_KIND, (), AlternativeNames())


@pytest.mark.parametrize(
    "names",
    [
        AlternativeNames(uris=("https://example.org/a,b",)),
        AlternativeNames(uris=("urn:example:a;b",)),
        AlternativeNames(upns=("smith,john@corp.example",)),
    ],
)
def test_a_name_that_no_line_can_hold_is_kept_apart(names: AlternativeNames) -> None:
    text, unwritable = write_names(names)

    assert (text, unwritable) == ("", names)


def test_joined_names_hold_each_name_once() -> None:
    first = AlternativeNames(dns=("a.example", "b.example"))

    joined = join_names(first, AlternativeNames(dns=("b.example",), ips=("192.0.2.1",)))

    assert joined == AlternativeNames(dns=("a.example", "b.example"), ips=("192.0.2.1",))


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        (AlternativeNames(dns=("www.example.org", "b.example")), "CN=www.example.org"),
        (AlternativeNames(dns=("*.example.org",)), "CN=*.example.org"),
        (AlternativeNames(dns=("a" * 60 + ".example", "b.example")), "CN=b.example"),
        (AlternativeNames(dns=("a" * 56 + ".example",)), "CN=" + "a" * 56 + ".example"),
        (AlternativeNames(dns=("a" * 57 + ".example",)), ""),
        (AlternativeNames(emails=("a+b@example.org",)), 'CN="a+b@example.org"'),
        (AlternativeNames(ips=("192.0.2.1",)), "CN=192.0.2.1"),
        (AlternativeNames(uris=("https://example.org",)), ""),
        (AlternativeNames(), ""),
    ],
)
def test_the_usual_subject_is_the_first_name_that_fits_a_common_name(names: AlternativeNames, subject: str) -> None:
    found = usual_subject(names)

    assert found == subject
    parse_subject(found)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        ("\n  \n", {}),
        ("team=payments", {"team": "payments"}),
        (" team = payments \r\nstage=test", {"team": "payments", "stage": "test"}),
        ("urgent", {"urgent": ""}),
        ("url=https://a/?b=c", {"url": "https://a/?b=c"}),
        (r"a\=b=c", {"a=b": "c"}),
        (r"C:\x=1", {r"C:\x": "1"}),
        ("=x", {"": "x"}),
    ],
)
def test_tags_are_read_from_lines(text: str, tags: dict[str, str]) -> None:
    assert read_tags(text) == tags


def test_a_tag_given_twice_is_refused_by_name() -> None:
    with pytest.raises(BadParameter, match="“team” is given twice"):
        read_tags("team=a\nteam=b")


@pytest.mark.parametrize("text", ["\\" * 100_001, "=" * 100_000, "\n" * 100_000, "a\\=" * 30_000])
def test_hostile_tags_are_read_in_one_go(text: str) -> None:
    assert len(read_tags(text)) <= 1


visible = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


@given(tags=st.dictionaries(visible, visible, max_size=15))
def test_tags_are_read_back_as_they_were_written(tags: dict[str, str]) -> None:
    assert read_tags(write_tags(tags)) == tags
