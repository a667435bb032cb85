"""Names as people paste them."""

import time
from unittest import mock

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import BadName
from vault.models.policy import AlternativeNames
from vault.x509 import namechecks, names
from vault.x509.names import MAX_NAMES, check_names, clean_names, display, propose_certificate_name, read_names

LABEL = st.from_regex(r"[a-z]([a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www.example.org", AlternativeNames(dns=("www.example.org",))),
        ("WWW.Example.ORG", AlternativeNames(dns=("www.example.org",))),
        ("www.example.org.", AlternativeNames(dns=("www.example.org",))),
        ("a.example\r\nb.example\rc.example", AlternativeNames(dns=("a.example", "b.example", "c.example"))),
        ("a.example, b.example;c.example d.example", AlternativeNames(dns=tuple(f"{c}.example" for c in "abcd"))),
        (",,;; a.example ,;", AlternativeNames(dns=("a.example",))),
        ("\ta.example\xa0b.example\u3000c.example", AlternativeNames(dns=("a.example", "b.example", "c.example"))),
        ("https://www.example.org/path?query#part", AlternativeNames(dns=("www.example.org",))),
        ("HTTPS://www.example.org:8443", AlternativeNames(dns=("www.example.org",))),
        ("ldaps://ldap.example.org:636", AlternativeNames(dns=("ldap.example.org",))),
        ("www.example.org:443", AlternativeNames(dns=("www.example.org",))),
        ("www.example.org/", AlternativeNames(dns=("www.example.org",))),
        ("www.example.org.:443/a", AlternativeNames(dns=("www.example.org",))),
        ("https://192.0.2.1/", AlternativeNames(ips=("192.0.2.1",))),
        ("https://[2001:db8::1]:8443/", AlternativeNames(ips=("2001:db8::1",))),
        ("[2001:db8::1]", AlternativeNames(ips=("2001:db8::1",))),
        ("2001:DB8:0:0::1", AlternativeNames(ips=("2001:db8::1",))),
        ("::1", AlternativeNames(ips=("::1",))),
        ("192.0.2.1:443", AlternativeNames(ips=("192.0.2.1",))),
        ("IP:192.0.2.1 ip:2001:db8::2", AlternativeNames(ips=("192.0.2.1", "2001:db8::2"))),
        ("DNS:a.example, DNS:b.example", AlternativeNames(dns=("a.example", "b.example"))),
        ("DNS: a.example, IP Address: 192.0.2.1", AlternativeNames(dns=("a.example",), ips=("192.0.2.1",))),
        ("DNS Name=a.example\nIP Address=192.0.2.1", AlternativeNames(dns=("a.example",), ips=("192.0.2.1",))),
        ("RFC822 Name=alice@example.org", AlternativeNames(emails=("alice@example.org",))),
        ("alice@example.org", AlternativeNames(emails=("alice@example.org",))),
        ("mailto:Alice@Example.org", AlternativeNames(emails=("Alice@example.org",))),
        ("email:a+b@example.org E-Mail:c@example.org", AlternativeNames(emails=("a+b@example.org", "c@example.org"))),
        ("UPN:alice@corp.local", AlternativeNames(upns=("alice@corp.local",))),
        ("Principal Name=jürgen@corp", AlternativeNames(upns=("jürgen@corp",))),
        ("URI:https://example.org/a?b=c", AlternativeNames(uris=("https://example.org/a?b=c",))),
        ("spiffe://td.example/ns/web", AlternativeNames(uris=("spiffe://td.example/ns/web",))),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",) * 2,
        ("*.example.org", AlternativeNames(dns=("*.example.org",))),
        ("https://*.example.org", AlternativeNames(dns=("*.example.org",))),
        ("localhost intranet", AlternativeNames(dns=("localhost", "intranet"))),
        ("3com.example 1.2.example", AlternativeNames(dns=("3com.example", "1.2.example"))),
        (
            '"a.example", “b.example” \u2018c.example\u2019',
            AlternativeNames(dns=("a.example", "b.example", "c.example")),
        ),
        ("['a.example', 'b.example']", AlternativeNames(dns=("a.example", "b.example"))),
        ('["a.example","b.example"]', AlternativeNames(dns=("a.example", "b.example"))),
        ("- a.example\n• b.example\n\u2013 c.example", AlternativeNames(dns=("a.example", "b.example", "c.example"))),
        ("münchen.example", AlternativeNames(dns=("xn--mnchen-3ya.example",))),
        ("*.münchen.example", AlternativeNames(dns=("*.xn--mnchen-3ya.example",))),
        ("XN--MNCHEN-3YA.example", AlternativeNames(dns=("xn--mnchen-3ya.example",))),
        ("straße.example", AlternativeNames(dns=("xn--strae-oqa.example",))),
        ("例え。テスト", AlternativeNames(dns=("xn--r8jz45g.xn--zckzah",))),
        ("\uff37\uff37\uff37.example", AlternativeNames(dns=("www.example",))),
        ("bob@münchen.example", AlternativeNames(emails=("bob@xn--mnchen-3ya.example",))),
        (f"{'a' * 63}.example", AlternativeNames(dns=(f"{'a' * 63}.example",))),
        ("", AlternativeNames()),
        (" \n,;\t - ", AlternativeNames()),
    ],
)
def test_a_pasted_text_is_read_as_the_names_it_means(text: str, expected: AlternativeNames | str) -> None:
    wanted = AlternativeNames(uris=(expected,)) if isinstance(expected, str) else expected

    read = read_names(text)

    assert read.names == wanted
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "shown", "advice"),
    [
        ("*", "“*”", "whole first part"),
        ("*.com", "“*.com”", "top-level domain"),
        ("*.localhost", "“*.localhost”", "top-level domain"),
        ("www.*.example.org", "“www.*.example.org”", "whole first part"),
        ("w*.example.org", "“w*.example.org”", "whole first part"),
        ("*.*.example.org", "“*.*.example.org”", "whole first part"),
        ("**.example.org", "“**.example.org”", "whole first part"),
        ("*a.münchen.example", "“*a.münchen.example”", "whole first part"),
        ("*.192.0.2.1", "“*.192.0.2.1”", "last part is no number"),
        ("a_b.example.org", "“a_b.example.org”", "Use a hyphen"),
        ("_dmarc.münchen.example", "“_dmarc.münchen.example”", "Use a hyphen"),
        ("-a.example.org", "“-a.example.org”", "neither begins nor ends"),
        ("a-.example.org", "“a-.example.org”", "neither begins nor ends"),
        ("a..example.org", "“a..example.org”", "extra dot"),
        (".example.org", "“.example.org”", "extra dot"),
        ("example.org..", "“example.org.”", "extra dot"),
        ("ab--cd.example.org", "“ab--cd.example.org”", "RFC 5891"),
        ("xn--zzzzzz99999.example", "“xn--zzzzzz99999.example”", "spelling"),
        ("xn--.example", "“xn--.example”", "spelling"),
        (f"{'a' * 64}.example", "a…”", "63 is the most"),
        (".".join(["a" * 50] * 6), "a…”", "253"),
        ("a" * 5000, "a…”", "253"),
        ("300.1.1.1", "“300.1.1.1”", "last part is no number"),
        ("1.2.3", "“1.2.3”", "last part is no number"),
        ("443", "“443”", "last part is no number"),
        ("10.0.0.0/24", "“10.0.0.0/24”", "network"),
        ("2001:db8::/32", "“2001:db8::/32”", "network"),
        ("IP:10.0.0.0/8", "“10.0.0.0/8”", "not an IP address"),
        ("IP:www.example.org", "“www.example.org”", "not an IP address"),
        ("IP:010.0.0.1", "“010.0.0.1”", "not an IP address"),
        ("IP:\uff11.2.3.4", "“\uff11.2.3.4”", "not an IP address"),
        ("IP:", "“”", "not an IP address"),
        ("fe80::1%eth0", "“fe80::1%eth0”", "not a host name"),
        ("DNS:", "“”", "not a host name"),
        ("DNS:443", "“443”", "no number"),
        ("<script>alert(1)</script>", "“<script>alert(1)<”", "not a host name"),
        ("<b>a.example</b>", "“<b>a.example<”", "not a host name"),
        ("a.example<br>", "“a.example<br>”", "not a host name"),
        ("{{7*7}}.example", "“{{7*7}}.example”", "whole first part"),
        ("$(id).example", "“$(id).example”", "not a host name"),
        ("a\x00.example", "“aU+0000.example”", "cannot be seen"),
        ("a\x07.example", "“aU+0007.example”", "cannot be seen"),
        ("gro.elpmaxe\u202ewww", "“gro.elpmaxeU+202Ewww”", "cannot be seen"),
        ("pay\u200bpal.example", "“payU+200Bpal.example”", "cannot be seen"),
        ("pay\u00adpal.example", "“payU+00ADpal.example”", "cannot be seen"),
        ("\ufeffa.example", "“U+FEFFa.example”", "cannot be seen"),
        ("a\ud800.example", "“aU+D800.example”", "cannot be seen"),
        ("a\u3164.example", "“aU+3164.example”", "cannot be seen"),
        ("alice@", "“alice@”", "domain after the @"),
        ("@example.org", "“@example.org”", "e-mail"),
        ("a@b@example.org", "“a@b@example.org”", "e-mail"),
        (".a@example.org", "“.a@example.org”", "e-mail"),
        ("a..b@example.org", "“a..b@example.org”", "e-mail"),
        ("jürgen@example.org", "“jürgen@example.org”", "e-mail"),
        ("a@*.example.org", "“a@*.example.org”", "wildcard"),
        ("a@exa_mple.org", "“a@exa_mple.org”", "domain after the @"),
        (f"{'a' * 65}@example.org", "a…”", "e-mail"),
        ("Alice<alice@example.org>", "“Alice<alice@example.org>”", "e-mail"),
        ("email:www.example.org", "“www.example.org”", "e-mail"),
        ("UPN:alice", "“alice”", "user principal name"),
        ("UPN:alice@", "“alice@”", "user principal name"),
        ("UPN:a@b@c", "“a@b@c”", "user principal name"),
        ("UPN:CORP\\alice@x", "“CORP\\alice@x”", "user principal name"),
        ("UPN:a@-b-", "“a@-b-”", "after the @"),
        ("URI:/relative", "“/relative”", "not a URI"),
        ("URI:javascript:alert(1)", "“javascript:alert(1)”", "not a URI"),
        ("URI:https://münchen.example/", "“https://münchen.example/”", "not a URI"),
        ("URI:https://a_b.example/", "“https://a_b.example/”", "check its host name"),
        ("URI:https:///nohost", "“https:///nohost”", "check its host name"),
        ("URI:https://u:secret@a.example/", "user name", "before the @"),
        ("URI:https://a.example/%zz", "“https://a.example/%zz”", "not a URI"),
        (f"URI:https://a.example/{'a' * 3000}", "“https://a.example/", "not a URI"),
        ("https://user:secret@evil.example/", "“…@evil.example”", "user name"),
    ],
)
def test_an_entry_that_is_no_name_gives_one_sentence_that_names_it_and_says_what_to_do(
    text: str, shown: str, advice: str
) -> None:
    read = read_names(text)

    sentences = [sentence for sentence in read.problems if advice in sentence]
    assert sentences, read
    assert shown in sentences[0]
    assert "secret" not in "".join(read.problems)
    assert all(display(sentence) == sentence and len(sentence) < 250 for sentence in read.problems)


def test_a_bad_entry_does_not_take_the_good_ones_with_it() -> None:
    read = read_names("a.example a_b.example b.example")

    assert read.names.dns == ("a.example", "b.example")
    assert len(read.problems) == 1


def test_duplicates_are_dropped_with_one_note() -> None:
    read = read_names("a.example A.EXAMPLE https://a.example/ b.example b.example. ::1 0:0::1")

    assert read.names == AlternativeNames(dns=("a.example", "b.example"), ips=("::1",))
    assert "4 names were given more than once." in read.notes


def test_an_internationalised_name_is_noted_both_ways() -> None:
    assert read_names("münchen.example").notes == ("münchen.example is written xn--mnchen-3ya.example.",)


def test_urls_are_noted_as_cut_to_their_host() -> None:
    read = read_names("https://a.example/x b.example:443 c.example. d.example")

    assert read.notes == ("2 addresses were cut to the host name.",)


def test_five_hundred_names_are_read() -> None:
    read = read_names(" ".join(f"n{number}.example" for number in range(MAX_NAMES)))

    assert len(read.names) == MAX_NAMES
    assert not read.problems


def test_ten_thousand_names_give_one_problem_without_being_looked_at() -> None:
    text = "\n".join(f"n{number}.example" for number in range(10_000))

    with mock.patch.object(names._Reader, "read") as looked:
        started = time.perf_counter()
        read = read_names(text)
        took = time.perf_counter() - started

    assert read.problems == ("10000 names were given; a certificate here takes 500. Split them over several.",)
    assert not read.names
    looked.assert_not_called()
    assert took < 0.3


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a," * 500_000,
        "," * 1_000_000,
        "a." * 500_000,
        "*." * 500_000,
        "ü" * 1_000_000,
        "xn--" * 250_000,
        "[" * 1_000_000,
        "@" * 1_000_000,
        "a@" * 500_000,
        "%" * 1_000_000,
        "'" * 1_000_000,
        "DNS:" * 250_000,
        "DNS: " * 200_000,
        "IP " * 333_333,
        "IP \t" * 250_000,
        "URI:a:" + "%4" * 500_000,
        "\x00" * 1_000_000,
        "://" * 333_333,
        "-" * 1_000_000,
        " ".join(("ü" * 62 + ".") * 4 + str(number) for number in range(500)),
    ],
    ids=range(21),
)
def test_a_hostile_megabyte_is_answered_with_few_problems_and_little_idna(text: str) -> None:
    with mock.patch.object(namechecks.idna, "encode", wraps=idna.encode) as encode:
        started = time.perf_counter()
        read = read_names(text)
        took = time.perf_counter() - started

    assert len(read.names) <= 1
    assert len(read.problems) <= MAX_NAMES
    assert all(len(call.args[0]) <= 4 * 253 for call in encode.call_args_list)
    assert took < 5


@given(hosts=st.lists(HOST, min_size=1, max_size=20, unique=True), separator=st.sampled_from([", ", "\n", ";", " "]))
def test_names_written_as_text_are_read_back(hosts: list[str], separator: str) -> None:
    read = read_names(separator.join(hosts))

    assert read.names.dns == tuple(hosts)
    assert not read.problems


@given(st.text(max_size=200))
def test_whatever_is_read_is_clean_and_reading_never_fails(text: str) -> None:
    read = read_names(text)

    check_names(read.names)
    assert clean_names(read.names) == read.names
    assert all(display(sentence) == sentence for sentence in (*read.problems, *read.notes))


@given(st.text(alphabet="aA1.-_*@:/[]%üß例xn\u0301\u200d, \n", max_size=60))
def test_what_looks_like_names_is_read_to_the_same_names_again(text: str) -> None:
    read = read_names(text)
    prefixes = {"dns": "DNS:", "email": "email:", "upn": "UPN:", "uri": "URI:", "ip": "IP:"}

    again = read_names(" ".join(prefixes[kind] + value for kind, value in read.names.pairs()))

    assert again.names == read.names


@pytest.mark.parametrize(
    ("given_names", "advice"),
    [
        (AlternativeNames(dns=("https://a.example",)), "not a host name"),
        (AlternativeNames(dns=("münchen.example",)), "is written xn--mnchen-3ya.example"),
        (AlternativeNames(dns=("a.example.",)), "extra dot"),
        (AlternativeNames(dns=("",)), "not a host name"),
        (AlternativeNames(dns=("a.example\x00.evil.example",)), "cannot be seen"),
        (AlternativeNames(dns=("192.0.2.1",)), "last part is no number"),
        (AlternativeNames(emails=("a@münchen.example",)), "is written a@xn--mnchen-3ya.example"),
        (AlternativeNames(emails=("a b@example.org",)), "e-mail"),
        (AlternativeNames(upns=("a\u202e@b",)), "user principal name"),
        (AlternativeNames(uris=("example.org/a",)), "not a URI"),
        (AlternativeNames(ips=("192.0.2.256",)), "not an IP address"),
        (AlternativeNames(ips=("::1%1",)), "not an IP address"),
        (AlternativeNames(dns=tuple(f"n{number}.example" for number in range(501))), "501 names"),
    ],
)
def test_structured_names_that_are_not_clean_are_refused(given_names: AlternativeNames, advice: str) -> None:
    with pytest.raises(BadName, match=advice.replace(".", r"\.")) as refusal:
        check_names(given_names)

    assert refusal.value.field == "names"


def test_structured_names_may_be_of_either_case() -> None:
    names = AlternativeNames(dns=("WWW.example.org",), ips=("2001:DB8::1",))

    check_names(names)

    assert clean_names(names) == AlternativeNames(dns=("www.example.org",), ips=("2001:db8::1",))


@pytest.mark.parametrize(
    ("given_names", "proposal"),
    [
        (AlternativeNames(dns=("www.example.com", "a.example")), "www-example-com"),
        (AlternativeNames(dns=("*.example.com",)), "wildcard-example-com"),
        (AlternativeNames(dns=("a--b.example",)), "a-b-example"),
        (AlternativeNames(dns=("contacts",)), "contacts-certificate"),
        (AlternativeNames(ips=("2001:db8::1",)), "2001-db8-1"),
        (AlternativeNames(emails=("alice@example.org",)), "alice-example-org"),
        (AlternativeNames(uris=("spiffe://td/x",)), "spiffe-td-x"),
        (AlternativeNames(upns=("例@例",)), "certificate"),
        (AlternativeNames(dns=(".".join(["a" * 60] * 4),)), f"{'a' * 60}-{'a' * 60}-{'a' * 5}"),
        (AlternativeNames(), "certificate"),
    ],
)
def test_a_certificate_name_is_proposed_from_the_first_name(given_names: AlternativeNames, proposal: str) -> None:
    assert propose_certificate_name(given_names) == proposal


@given(st.text(max_size=400))
def test_a_proposed_certificate_name_is_always_allowed(text: str) -> None:
    proposal = propose_certificate_name(AlternativeNames(dns=(text,)))

    assert proposal.replace("-", "a").isalnum()
    assert proposal.isascii()
    assert 1 <= len(proposal) <= 127
